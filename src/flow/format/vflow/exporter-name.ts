import { canonicalOctets, formatAddress } from '../../../model/address.ts';

/** The address of an exporter as text. @param words as Packets have it */
export function exporterName(words: readonly number[] | Uint32Array): string {
  const octets = new Uint8Array(16);
  const view = new DataView(octets.buffer);
  for (let i = 0; i < 4; i++) view.setUint32(i * 4, words[i] as number);
  return formatAddress(canonicalOctets(octets));
}
