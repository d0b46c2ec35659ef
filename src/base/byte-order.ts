import { endianness } from 'node:os';

/** How this host keeps numbers in memory. */
export const IS_LITTLE_ENDIAN = endianness() === 'LE';

/** A word of 32 bits, its bytes in the other order. @returns signed */
export function swapBytes(word: number): number {
  return (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);
}

/** A word from network order to that of this host, or back. @returns signed */
export function hostOrder(word: number): number {
  return IS_LITTLE_ENDIAN ? swapBytes(word) : word;
}
