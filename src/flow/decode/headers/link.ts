/**
 * Layer 2 of sampled packets: Ethernet (IEEE 802.3, 802.1Q, 802.1ad), LLC and SNAP, PPP (RFC 1661, RFC 2516), Cisco
 * HDLC, IEEE 802.11, MPLS (RFC 3032). Each function reads one layer at `frame.at`, moves behind it, and returns the
 * EtherType of what follows: 0 when that is cut off, or nothing with an EtherType.
 */
import { shortAt, wordAt } from '../bytes/words.ts';
import { type Columns, ETHER_TYPE, type Frame } from './frame.ts';

/** Values of the field below this are lengths of 802.3 frames. */
const FIRST_ETHER_TYPE = 0x600;

export function ethernet(frame: Frame, columns: Columns): number {
  const { bytes, at, end, row } = frame;
  if (end - at < 14) return 0;
  putMac(columns.dstMac, row, bytes, at);
  putMac(columns.srcMac, row, bytes, at + 6);
  frame.at = at + 14;
  const type = shortAt(bytes, at + 12);
  return type < FIRST_ETHER_TYPE ? llc(frame) : type;
}

/** Tags of 802.1Q and 802.1ad, all of them; the outermost goes to `vlanId`. */
export function vlans(frame: Frame, columns: Columns, etherType: number): number {
  const { bytes, end, row } = frame;
  let type = etherType;
  let outermost = true;
  while (isVlan(type)) {
    if (end - frame.at < 4) return 0;
    if (outermost) columns.vlanId[row] = shortAt(bytes, frame.at) & 0xfff;
    outermost = false;
    type = shortAt(bytes, frame.at + 2);
    frame.at += 4;
  }
  return !outermost && type < FIRST_ETHER_TYPE ? llc(frame) : type;
}

function isVlan(type: number): boolean {
  return (
    type === ETHER_TYPE.vlan ||
    type === ETHER_TYPE.providerVlan ||
    type === ETHER_TYPE.oldProviderVlan ||
    type === ETHER_TYPE.oldProviderVlan2
  );
}

/** A stack of MPLS labels; the outermost goes to `mplsLabel`. What follows tells its kind by its first four bits. */
export function mpls(frame: Frame, columns: Columns): number {
  const { bytes, end, row } = frame;
  let outermost = true;
  for (;;) {
    if (end - frame.at < 4) return 0;
    const entry = wordAt(bytes, frame.at);
    frame.at += 4;
    if (outermost) columns.mplsLabel[row] = entry >>> 12;
    outermost = false;
    if ((entry & 0x100) !== 0) return versionType(frame);
  }
}

/** The EtherType of an IP packet by its version. */
export function versionType({ bytes, at, end }: Frame): number {
  if (at >= end) return 0;
  const version = (bytes[at] as number) >>> 4;
  if (version === 4) return ETHER_TYPE.ipv4;
  return version === 6 ? ETHER_TYPE.ipv6 : 0;
}

/** LLC with SNAP (IEEE 802.2): the only kind that has an EtherType. */
export function llc(frame: Frame): number {
  const { bytes, at, end } = frame;
  if (end - at < 8 || wordAt(bytes, at) !== 0xaaaa0300 || shortAt(bytes, at + 4) !== 0) return 0;
  frame.at = at + 8;
  return shortAt(bytes, at + 6);
}

/** PPP, with address and control octets or without, its protocol in one octet or two; Cisco HDLC, as routers sample it. */
export function ppp(frame: Frame): number {
  const { bytes, end } = frame;
  if (end - frame.at < 4) return 0;
  const first = shortAt(bytes, frame.at);
  if (first === 0x0f00 || first === 0x8f00) {
    frame.at += 4;
    return shortAt(bytes, frame.at - 2);
  }
  if (first === 0xff03) frame.at += 2;
  return pppProtocol(frame);
}

/** PPPoE: six octets before the PPP protocol. */
export function pppoe(frame: Frame): number {
  frame.at += 6;
  return pppProtocol(frame);
}

function pppProtocol(frame: Frame): number {
  const { bytes, end } = frame;
  if (end - frame.at < 2) return 0;
  const compressed = ((bytes[frame.at] as number) & 1) === 1;
  const protocol = compressed ? (bytes[frame.at] as number) : shortAt(bytes, frame.at);
  frame.at += compressed ? 1 : 2;
  switch (protocol) {
    case 0x21:
      return ETHER_TYPE.ipv4;
    case 0x57:
      return ETHER_TYPE.ipv6;
    case 0x281:
      return ETHER_TYPE.mpls;
    default:
      return 0;
  }
}

/** A data frame of IEEE 802.11 that is not encrypted, with LLC behind it. */
export function wifi(frame: Frame, columns: Columns): number {
  const { bytes, at, end, row } = frame;
  if (end - at < 24) return 0;
  const control = bytes[at] as number;
  const flags = bytes[at + 1] as number;
  if ((control & 0x0c) !== 0x08) return 0;
  const toSystem = (flags & 1) !== 0;
  const fromSystem = (flags & 2) !== 0;
  if (toSystem && fromSystem && end - at < 30) return 0;
  putMac(columns.dstMac, row, bytes, at + (toSystem ? 16 : 4));
  putMac(columns.srcMac, row, bytes, at + wifiSource(toSystem, fromSystem));
  if ((flags & 0x40) !== 0) return 0;
  const withQos = (control & 0x80) !== 0;
  frame.at = at + 24 + (toSystem && fromSystem ? 6 : 0) + (withQos ? 2 : 0);
  return llc(frame);
}

/** Where the source address is: the second, third or fourth. */
function wifiSource(toSystem: boolean, fromSystem: boolean): number {
  if (!fromSystem) return 10;
  return toSystem ? 24 : 16;
}

function putMac(
  { high, low }: { high: Uint32Array; low: Uint32Array },
  row: number,
  bytes: Uint8Array,
  at: number,
): void {
  high[row] = shortAt(bytes, at);
  low[row] = wordAt(bytes, at + 2);
}
