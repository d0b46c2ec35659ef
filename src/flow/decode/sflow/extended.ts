/** Extended flow records of sFlow to columns: what routers and switches know of a packet beside its header. */
import { putIpv4, putIpv6, wordAt } from '../bytes/words.ts';
import type { Columns } from '../headers/frame.ts';

/** Octets of an address with its type before it (1 IPv4, 2 IPv6, 0 none); 0 when it is cut off, or of another type. */
export function addressLength(bytes: Uint8Array, at: number, end: number): number {
  if (end - at < 4) return 0;
  const type = wordAt(bytes, at);
  if (type === 0) return 4;
  if (type === 1) return end - at < 8 ? 0 : 8;
  return type === 2 && end - at >= 20 ? 20 : 0;
}

/** Writes an address; of none the column is left as it is. @param length that of `addressLength` */
function putAddress(
  column: Uint32Array,
  row: number,
  bytes: Uint8Array,
  at: number,
  length: number,
): void {
  if (length === 8) putIpv4(column, row * 4, bytes, at + 4);
  else if (length === 20) putIpv6(column, row * 4, bytes, at + 4);
}

/** extended_switch: VLAN and priority, in and out. */
export function putSwitch(
  columns: Columns,
  row: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  if (end - start < 16) return;
  columns.srcVlan[row] = wordAt(bytes, start);
  columns.dstVlan[row] = wordAt(bytes, start + 8);
}

/** extended_router: next hop, prefix lengths of source and destination. */
export function putRouter(
  columns: Columns,
  row: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  const length = addressLength(bytes, start, end);
  const at = start + length;
  if (length === 0 || end - at < 8) return;
  putAddress(columns.nextHop, row, bytes, start, length);
  columns.srcNet[row] = wordAt(bytes, at);
  columns.dstNet[row] = wordAt(bytes, at + 4);
}

/**
 * extended_gateway: BGP next hop; AS of the router, of the source, of the peer of the source; segments of the AS path to
 * the destination. The destination's AS is the last of the path, the next hop's the first; without a path both are
 * the router's own. An AS of the source that is 0 is the router's own, too.
 */
export function putGateway(
  columns: Columns,
  row: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  const length = addressLength(bytes, start, end);
  let at = start + length;
  if (length === 0 || end - at < 16) return;
  putAddress(columns.bgpNextHop, row, bytes, start, length);
  const own = wordAt(bytes, at);
  columns.srcAs[row] = wordAt(bytes, at + 4) || own;
  columns.dstAs[row] = own;
  const segments = wordAt(bytes, at + 12);
  at += 16;
  let first = true;
  for (let segment = 0; segment < segments; segment++) {
    if (end - at < 8) return;
    const count = wordAt(bytes, at + 4);
    if (count > (end - at - 8) / 4) return;
    at += 8;
    if (count === 0) continue;
    if (first) columns.nextHopAs[row] = wordAt(bytes, at);
    first = false;
    columns.dstAs[row] = wordAt(bytes, at + count * 4 - 4);
    at += count * 4;
  }
}

/** extended_mpls: next hop, stacks of labels in and out. Routers report what they popped or pushed. */
export function putMpls(
  columns: Columns,
  row: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  const length = addressLength(bytes, start, end);
  const at = start + length;
  if (length === 0 || end - at < 4) return;
  putAddress(columns.nextHop, row, bytes, start, length);
  const labels = wordAt(bytes, at);
  if (labels === 0 || end - at < 8 || columns.mplsLabel[row] !== 0) return;
  columns.mplsLabel[row] = wordAt(bytes, at + 4) >>> 12;
}

/** extended_nat: addresses after translation. */
export function putNat(
  columns: Columns,
  row: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  const source = addressLength(bytes, start, end);
  const destination = source === 0 ? 0 : addressLength(bytes, start + source, end);
  if (destination === 0) return;
  putAddress(columns.postNatSrcAddr, row, bytes, start, source);
  putAddress(columns.postNatDstAddr, row, bytes, start + source, destination);
}

/** extended_nat_port: ports after translation. */
export function putNatPorts(
  columns: Columns,
  row: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  if (end - start < 8) return;
  columns.postNatSrcPort[row] = wordAt(bytes, start);
  columns.postNatDstPort[row] = wordAt(bytes, start + 4);
}
