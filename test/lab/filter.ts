/**
 * What an exporter's packet is (R22), as RFC 3954, RFC 7011 and the sFlow 5 specification say: what judges the proxy must not
 * share its code.
 */
import { canonicalText, type EndpointText, textOfAddress } from './wire.ts';

/** With the names of the API. */
export interface FilterText {
  readonly protocols?: readonly string[];
  readonly observation_domains?: readonly number[];
  readonly agents?: readonly EndpointText[];
  readonly listening_ports?: readonly number[];
}

const NETFLOW = new Map([
  [1, 'NETFLOW_V1'],
  [5, 'NETFLOW_V5'],
  [7, 'NETFLOW_V7'],
  [9, 'NETFLOW_V9'],
  [10, 'IPFIX'],
]);
/** Where the number of the domain stands. */
const DOMAIN_AT: Readonly<Record<string, number>> = { NETFLOW_V9: 16, IPFIX: 12 };

export function isWanted(filter: FilterText, payload: Buffer, receivedOn: number): boolean {
  const protocol = protocolOf(payload);
  const agent = protocol === 'SFLOW_V5' ? agentOf(payload) : undefined;
  const { protocols, observation_domains: domains, agents, listening_ports: ports } = filter;
  return [
    protocols?.includes(protocol),
    domains?.some((domain) => domain === domainOf(payload, protocol)),
    agents?.some(({ host }) => canonicalText(host) === agent),
    ports?.includes(receivedOn),
  ].every((holds) => holds !== false);
}

export function protocolOf(payload: Buffer): string {
  if (payload.length < 4) return 'OTHER';
  if (payload.readUInt32BE(0) === 5) return 'SFLOW_V5';
  return NETFLOW.get(payload.readUInt16BE(0)) ?? 'OTHER';
}

function domainOf(payload: Buffer, protocol: string): number | undefined {
  const at = DOMAIN_AT[protocol] ?? payload.length;
  return payload.length < at + 4 ? undefined : payload.readUInt32BE(at);
}

function agentOf(payload: Buffer): string | undefined {
  const octets = [4, 16][(payload.length < 8 ? 0 : payload.readUInt32BE(4)) - 1] ?? payload.length;
  if (payload.length < 8 + octets) return undefined;
  return canonicalText(textOfAddress(payload.subarray(8, 8 + octets)));
}
