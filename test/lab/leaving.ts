/** How copies have to leave (R6, R14, R25, R26), written as plainly as possible: it judges the proxy, and shares no code with it. */
import { canonicalText, type EndpointText, mappedSource } from './wire.ts';

/** What a rule says of how copies to a collector leave. */
export interface LeavingText {
  readonly source?: 'PROXY';
  /** A fixed source. */
  readonly sourceEndpoint?: EndpointText;
  readonly hopLimit?: number;
  readonly dscp?: number;
  /** As `64:ff9b::/96`. */
  readonly ipv4SourcePrefix?: string;
}

/** The words of the API. */
export function leavingMessage(text: LeavingText) {
  const { source, sourceEndpoint, hopLimit, dscp, ipv4SourcePrefix } = text;
  return {
    ...(source !== undefined && { source }),
    ...(sourceEndpoint !== undefined && { source_endpoint: sourceEndpoint }),
    ...(hopLimit !== undefined && { hop_limit: hopLimit }),
    ...(dscp !== undefined && { dscp }),
    ...(ipv4SourcePrefix !== undefined && { ipv4_source_prefix: ipv4SourcePrefix }),
  };
}

/** Whether an IPv6 packet can go there (R3, R25). */
export function takesIpv6({ host, source, sourceEndpoint }: LeavingText & EndpointText): boolean {
  if (source === 'PROXY' || sourceEndpoint !== undefined) return true;
  return canonicalText(host).includes(':');
}

/** A packet as it arrived. */
export interface ArrivedPacket {
  readonly host: string;
  readonly port: number;
  readonly hopLimit: number;
}

export interface Leaving {
  readonly source: string;
  /** Undefined: any that the host of the proxy has. */
  readonly sourcePort: number | undefined;
  readonly hopLimit: number;
  readonly dscp: number;
}

/** @param own addresses from which the host of the proxy sends to collectors */
export function leavingOf(
  collector: LeavingText & EndpointText,
  packet: ArrivedPacket,
  own: { readonly ipv4: string; readonly ipv6: string },
): Leaving {
  const isIpv6 = canonicalText(collector.host).includes(':');
  const { source, sourceEndpoint, hopLimit, dscp = 0, ipv4SourcePrefix } = collector;
  const rest = { hopLimit: hopLimit ?? Math.min(64, packet.hopLimit - 1), dscp };
  if (source === 'PROXY') {
    return { source: isIpv6 ? own.ipv6 : own.ipv4, sourcePort: undefined, ...rest };
  }
  const from = canonicalText(sourceEndpoint?.host ?? packet.host);
  const prefix = ipv4SourcePrefix?.replace('/96', '');
  const isMapped = isIpv6 && !from.includes(':');
  return {
    source: isMapped ? mappedSource(from, prefix) : from,
    sourcePort: sourceEndpoint?.port || packet.port,
    ...rest,
  };
}
