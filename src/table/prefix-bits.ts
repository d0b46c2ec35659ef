/** Bits of addresses that are words in host order, as the table and packet I/O have them; bit 0 is the first. */
import { hostOrder, IS_LITTLE_ENDIAN } from '../base/byte-order.ts';

/** How many bits come before the address in the 16-byte form of IPv4. */
export const IPV4_PREFIX_BITS = 96;

/** The third word of the 16-byte form of IPv4, behind two zeros. */
export const IPV4_MARK = IS_LITTLE_ENDIAN ? 0xffff0000 | 0 : 0x0000ffff;

/** XOR of the number of a bit and of how far it is to be shifted to the right to be the lowest. */
export const BIT_SHIFT = IS_LITTLE_ENDIAN ? 7 : 31;

/** Words of which the first so many bits are set, 0 to 32. */
export const MASKS = Int32Array.from({ length: 33 }, (_, bits) =>
  hostOrder(bits === 0 ? 0 : -1 << (32 - bits)),
);

/** Bit number `bit` of the address that begins at a word. */
export function bitAt(words: Int32Array, address: number, bit: number): 0 | 1 {
  const word = words[address + (bit >> 5)] as number;
  return ((word >>> ((bit & 31) ^ BIT_SHIFT)) & 1) as 0 | 1;
}

/** How many bits two addresses have in common from the first on, `max` at most. */
export function commonBits(
  words: Int32Array,
  address: number,
  others: Int32Array,
  other: number,
  max: number,
): number {
  for (let i = 0; i < 4 && i * 32 < max; i++) {
    const different = (words[address + i] as number) ^ (others[other + i] as number);
    if (different === 0) continue;
    return Math.min(max, i * 32 + Math.clz32(hostOrder(different)));
  }
  return max;
}

/** Copies an address, all but the first `length` bits of which become zero. */
export function copyMasked(
  from: Int32Array,
  fromAt: number,
  to: Int32Array,
  toAt: number,
  length: number,
): void {
  for (let i = 0; i < 4; i++) {
    const bits = Math.max(0, Math.min(32, length - i * 32));
    to[toAt + i] = (from[fromAt + i] as number) & (MASKS[bits] as number);
  }
}
