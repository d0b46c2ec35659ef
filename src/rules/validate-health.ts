import { isIP } from 'node:net';
import { formatDuration } from '../base/duration.ts';
import type { Problem } from '../base/errors.ts';
import { DEFAULT_INTERVAL_MS, type Health } from '../model/rules.ts';

/** Of ICMP errors of Linux, see PortCheck. */
const MIN_PORT_INTERVAL_MS = 1_000;

/** V14: what of a health check does not fit together. @param path of it */
export function checkHealth(health: Health, path: string, problems: Problem[]): void {
  const { check = 'ICMP', port, url, intervalMs = DEFAULT_INTERVAL_MS, timeoutMs = 0 } = health;
  const problem = (field: string, message: string) =>
    problems.push({ path: `${path}.${field}`, message });
  if (check === 'HTTP' && url === undefined) problem('url', 'check HTTP needs one');
  if (check !== 'HTTP' && url !== undefined) problem('url', `check ${check} has none: HTTP does`);
  if (port !== undefined && check !== 'PORT' && check !== 'TCP') {
    const where = check === 'HTTP' ? ': it is in the URL' : '';
    problem('port', `check ${check} has none${where}`);
  }
  if (url !== undefined) checkUrl(url, (message) => problem('url', message));
  if (check === 'PORT' && intervalMs < MIN_PORT_INTERVAL_MS)
    problem('interval', 'check PORT needs 1s at least: hosts tell closed ports once a second');
  if (timeoutMs > intervalMs) {
    const interval = formatDuration(intervalMs);
    problem('timeout', `${formatDuration(timeoutMs)} is longer than the interval, ${interval}`);
  }
}

/** A name would make health depend on the answers of a name server; who may see rules would see passwords. */
function checkUrl(text: string, problem: (message: string) => void): void {
  const url = URL.parse(text);
  if (url === null) return;
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  if (isIP(host) === 0) problem(`${host} is a name: a check asks an address`);
  if (url.username !== '' || url.password !== '') problem('it has a user or a password');
}
