import { listenPorts } from '../addresses.ts';
import { counted, type Found, fail, ok, warn } from '../finding.ts';
import { readParameter, readText } from '../host.ts';
import type { Subject } from '../subject.ts';

const NOTRACK = 'let flow pass untracked (notrack: docs/operating.md, "The network around it")';
const MIB = 1024 * 1024;
const WARN_SHARE = 0.8;
const FAIL_SHARE = 0.95;

/** A table of connections that is full drops packets of new exporters. */
export function lookAtConntrack(subject: Subject): Found[] {
  const count = readParameter('net.netfilter.nf_conntrack_count');
  const max = readParameter('net.netfilter.nf_conntrack_max');
  if (count === undefined || max === undefined) return [ok('connections are not tracked here')];
  const used = `${count} of ${counted(max, 'tracked connection')}`;
  const advice = `${NOTRACK}, or raise \`sysctl net.netfilter.nf_conntrack_max\``;
  if (count >= FAIL_SHARE * max)
    return [fail(`${used} are in use: packets of new exporters are dropped`, advice)];
  if (count >= WARN_SHARE * max) return [warn(`${used} are in use`, advice)];
  const flow = trackedFlow(listenPorts(subject));
  if (flow === 0) return [ok(`${used} are in use`)];
  return [
    ok(`${used} are in use, ${flow} of them by flow`, `${NOTRACK} when there are many exporters`),
  ];
}

/** How many entries are of flow to these ports; 0 also when the table cannot be seen (root can). */
function trackedFlow(ports: readonly number[]): number {
  const table = ports.length === 0 ? undefined : readText('/proc/net/nf_conntrack', MIB);
  const isFlow = (line: string) => ports.some((port) => line.includes(` dport=${port} `));
  return table?.split('\n').filter(isFlow).length ?? 0;
}
