import { canonicalOctets, formatAddress } from '../../../model/address.ts';
import { octetsOf } from '../../model/address-octets.ts';

/** The address of an exporter as text. @param words as Packets have it */
export function exporterName(words: readonly number[] | Uint32Array): string {
  return formatAddress(canonicalOctets(octetsOf(words)));
}
