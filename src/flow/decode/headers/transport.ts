/** Layer 4 of sampled packets: TCP, UDP and what has its ports in the same place, ICMP and ICMPv6. */
import { shortAt } from '../bytes/words.ts';
import { type Columns, type Frame, IP_PROTOCOL } from './frame.ts';

/** Reads what there is of a header of layer 4 at `frame.at`. */
export function transport(
  { bytes, at, end, row }: Frame,
  columns: Columns,
  protocol: number,
): void {
  switch (protocol) {
    case IP_PROTOCOL.tcp:
      if (end - at >= 14) columns.tcpFlags[row] = shortAt(bytes, at + 12) & 0xfff;
      break;
    case IP_PROTOCOL.udp:
    case IP_PROTOCOL.udpLite:
    case IP_PROTOCOL.sctp:
    case IP_PROTOCOL.dccp:
      break;
    case IP_PROTOCOL.icmp:
    case IP_PROTOCOL.icmpv6:
      if (end - at < 2) return;
      columns.icmpType[row] = bytes[at] as number;
      columns.icmpCode[row] = bytes[at + 1] as number;
      return;
    default:
      return;
  }
  if (end - at < 4) return;
  columns.srcPort[row] = shortAt(bytes, at);
  columns.dstPort[row] = shortAt(bytes, at + 2);
}
