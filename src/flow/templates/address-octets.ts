import type { AddressWords } from '../decode/session.ts';

/** Addresses as the database has them: 16 octets. */
export function octetsOf(address: AddressWords): Uint8Array {
  const octets = new Uint8Array(16);
  const view = new DataView(octets.buffer);
  for (const [i, word] of address.entries()) view.setUint32(i * 4, word);
  return octets;
}

/** @param octets 16 of them */
export function wordsOf({ buffer, byteOffset }: Uint8Array): AddressWords {
  const view = new DataView(buffer, byteOffset, 16);
  return [view.getUint32(0), view.getUint32(4), view.getUint32(8), view.getUint32(12)];
}
