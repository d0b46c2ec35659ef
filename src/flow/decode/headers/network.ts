/** Layer 3 of sampled packets: IPv4 (RFC 791) with options, IPv6 (RFC 8200) with extension headers. */
import { putIpv4, putIpv6, shortAt, wordAt } from '../bytes/words.ts';
import { type Columns, ETHER_TYPE, type Frame } from './frame.ts';

/** What `ipv4` and `ipv6` return when the header is cut off or none. */
export const NO_PACKET = -1;
/** Beside the protocol: the packet is a fragment that has no header of layer 4. */
export const FRAGMENT = 0x100;

/**
 * Reads an IPv4 header at `frame.at` and moves behind it and its options.
 *
 * @returns the protocol, with FRAGMENT when layer 4 does not follow; NO_PACKET
 */
export function ipv4(frame: Frame, columns: Columns): number {
  const { bytes, at, end, row } = frame;
  if (end - at < 20) return NO_PACKET;
  const first = bytes[at] as number;
  const length = (first & 0x0f) * 4;
  if (first >>> 4 !== 4 || length < 20) return NO_PACKET;
  const fragment = shortAt(bytes, at + 6);
  const protocol = bytes[at + 9] as number;
  columns.etype[row] = ETHER_TYPE.ipv4;
  columns.ipTos[row] = bytes[at + 1] as number;
  columns.fragmentId[row] = shortAt(bytes, at + 4);
  columns.ipFlags[row] = fragment >>> 13;
  columns.fragmentOffset[row] = fragment & 0x1fff;
  columns.ipTtl[row] = bytes[at + 8] as number;
  columns.proto[row] = protocol;
  putIpv4(columns.srcAddr, row * 4, bytes, at + 12);
  putIpv4(columns.dstAddr, row * 4, bytes, at + 16);
  const total = shortAt(bytes, at + 2);
  // 0 is what segmentation offload leaves there.
  if (total >= length && at + total < end) frame.end = at + total;
  frame.at = at + length;
  return (fragment & 0x1fff) === 0 ? protocol : protocol | FRAGMENT;
}

/**
 * Reads an IPv6 header at `frame.at` and moves behind it and its extension headers.
 *
 * @returns as `ipv4`; the protocol is the first that is no extension header, or the extension header that is cut off
 */
export function ipv6(frame: Frame, columns: Columns): number {
  const { bytes, at, end, row } = frame;
  if (end - at < 40 || (bytes[at] as number) >>> 4 !== 6) return NO_PACKET;
  const first = wordAt(bytes, at);
  columns.etype[row] = ETHER_TYPE.ipv6;
  columns.ipTos[row] = (first >>> 20) & 0xff;
  columns.ipv6FlowLabel[row] = first & 0xfffff;
  columns.ipTtl[row] = bytes[at + 7] as number;
  putIpv6(columns.srcAddr, row * 4, bytes, at + 8);
  putIpv6(columns.dstAddr, row * 4, bytes, at + 24);
  const payload = shortAt(bytes, at + 4);
  // 0 is that of jumbograms, and of segmentation offload.
  if (payload !== 0 && at + 40 + payload < end) frame.end = at + 40 + payload;
  frame.at = at + 40;
  const protocol = extensionHeaders(frame, columns, bytes[at + 6] as number);
  columns.proto[row] = protocol & 0xff;
  return protocol;
}

/** Each is at least eight octets long, so that they end with the frame. */
function extensionHeaders(frame: Frame, columns: Columns, first: number): number {
  const { bytes, end, row } = frame;
  let protocol = first;
  let fragment = 0;
  for (;;) {
    const length = extensionLength(frame, protocol);
    if (length === 0) return protocol | fragment;
    if (length > end - frame.at) {
      frame.at = end;
      return protocol | fragment;
    }
    if (protocol === 44) {
      const where = shortAt(bytes, frame.at + 2);
      columns.fragmentOffset[row] = where >>> 3;
      columns.ipFlags[row] = where & 1;
      columns.fragmentId[row] = wordAt(bytes, frame.at + 4);
      if (where >>> 3 !== 0) fragment = FRAGMENT;
    }
    protocol = bytes[frame.at] as number;
    frame.at += length;
    // What follows the fragment header of a later fragment is not a header.
    if (fragment !== 0) return protocol | fragment;
  }
}

/** Octets of an extension header; 0 when the protocol is none; more than there are when it is cut off. */
function extensionLength({ bytes, at, end }: Frame, protocol: number): number {
  switch (protocol) {
    case 0: // Hop-by-hop options
    case 43: // Routing
    case 60: // Destination options
    case 135: // Mobility
    case 139: // Host identity
    case 140: // Shim6
      return end - at < 2 ? 8 : ((bytes[at + 1] as number) + 1) * 8;
    case 44: // Fragment
      return 8;
    case 51: // Authentication
      return end - at < 2 ? 8 : ((bytes[at + 1] as number) + 2) * 4;
    default:
      return 0;
  }
}
