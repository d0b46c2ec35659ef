/** Who can change the rules. */
import { addressKind } from '../../model/address-kind.ts';
import { formatEndpoint, makeEndpoint } from '../../model/endpoint.ts';
import { type Found, fail, ok, skip, warn } from '../finding.ts';
import type { Subject } from '../subject.ts';
import { lookAtApiPort } from './ports.ts';

export function lookAtApi(subject: Subject): Found[] {
  const { config } = subject.settings;
  if (config === undefined) return [skip('the settings cannot be used')];
  const { octets, port, tls, access } = config.api;
  const name = formatEndpoint(makeEndpoint(octets, port));
  const isLocal = addressKind(octets) === 'loopback';
  const [found] = lookAtApiPort(subject);
  const sockets = found === undefined || found.level === 'OK' ? [] : [found];
  if (access.hasRoles || tls?.clientCaPath !== undefined) {
    const how = access.hasRoles ? 'gives its callers roles' : 'knows its callers by certificates';
    return sockets.length > 0 ? sockets : [ok(`${name} ${how}`)];
  }
  const advice = 'COLLECTOR_API_ACCESS=roles, or COLLECTOR_API_TLS_CLIENT_CA: docs/security.md';
  const open = isLocal
    ? warn(`${name} is open: every user of this host can redirect all flow`, advice)
    : fail(`${name} is open: whoever reaches it over the network can redirect all flow`, advice);
  return [...sockets, open];
}
