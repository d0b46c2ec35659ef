/** The 32 bits at an offset, in network byte order, unsigned. The caller knows that they are there. */
export function wordAt(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] as number) << 24) |
      ((bytes[at + 1] as number) << 16) |
      ((bytes[at + 2] as number) << 8) |
      (bytes[at + 3] as number)) >>>
    0
  );
}

/** The 16 bits at an offset, in network byte order. The caller knows that they are there. */
export function shortAt(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}

/** Third word of an IPv4 address in a column of addresses (::ffff:a.b.c.d). */
export const MAPPED_IPV4 = 0xffff;

/** Writes an IPv4 address as four words. @param to index of the first word in `column` */
export function putIpv4(column: Uint32Array, to: number, bytes: Uint8Array, at: number): void {
  column[to] = 0;
  column[to + 1] = 0;
  column[to + 2] = MAPPED_IPV4;
  column[to + 3] = wordAt(bytes, at);
}

/** Writes an IPv6 address as four words. @param to index of the first word in `column` */
export function putIpv6(column: Uint32Array, to: number, bytes: Uint8Array, at: number): void {
  column[to] = wordAt(bytes, at);
  column[to + 1] = wordAt(bytes, at + 4);
  column[to + 2] = wordAt(bytes, at + 8);
  column[to + 3] = wordAt(bytes, at + 12);
}
