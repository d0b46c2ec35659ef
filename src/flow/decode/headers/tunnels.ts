/** What is inside of tunnels: IP in IP (RFC 2003, RFC 2473), GRE (RFC 2784, RFC 2890), VXLAN (RFC 7348), Geneve (RFC 8926). */
import { shortAt, wordAt } from '../bytes/words.ts';
import { ETHER_TYPE, type Frame, IP_PROTOCOL } from './frame.ts';

/** UDP ports: IANA's for VXLAN, Linux's of before there was one, Geneve's. */
const VXLAN_PORT = 4789;
const OLD_VXLAN_PORT = 8472;
const GENEVE_PORT = 6081;

/**
 * Moves to what is inside of the tunnel whose header of layer 4 is at `frame.at`.
 *
 * @returns its EtherType, ETHER_TYPE.ethernet for a frame; 0 when there is no tunnel, or nothing of it
 */
export function insideOf(frame: Frame, protocol: number): number {
  switch (protocol) {
    case IP_PROTOCOL.ipv4:
      return ETHER_TYPE.ipv4;
    case IP_PROTOCOL.ipv6:
      return ETHER_TYPE.ipv6;
    case IP_PROTOCOL.gre:
      return insideOfGre(frame);
    case IP_PROTOCOL.udp:
      return insideOfUdp(frame);
    default:
      return 0;
  }
}

function insideOfGre(frame: Frame): number {
  const { bytes, at, end } = frame;
  if (end - at < 4) return 0;
  const flags = shortAt(bytes, at);
  // Version 0 only, and no routing (RFC 1701).
  if ((flags & 0x4007) !== 0) return 0;
  const checksum = (flags & 0x8000) !== 0 ? 4 : 0;
  const key = (flags & 0x2000) !== 0 ? 4 : 0;
  const sequence = (flags & 0x1000) !== 0 ? 4 : 0;
  frame.at = at + 4 + checksum + key + sequence;
  return shortAt(bytes, at + 2);
}

function insideOfUdp(frame: Frame): number {
  const { bytes, at, end } = frame;
  if (end - at < 16) return 0;
  switch (shortAt(bytes, at + 2)) {
    case VXLAN_PORT:
    case OLD_VXLAN_PORT:
      if (((bytes[at + 8] as number) & 0x08) === 0) return 0;
      frame.at = at + 16;
      return ETHER_TYPE.ethernet;
    case GENEVE_PORT: {
      const first = wordAt(bytes, at + 8);
      if (first >>> 30 !== 0) return 0;
      frame.at = at + 16 + ((first >>> 24) & 0x3f) * 4;
      return first & 0xffff;
    }
    default:
      return 0;
  }
}
