/** Networks: addresses of which only the first bits matter. */
import type { Octets } from './address.ts';

/** An address all but the first bits of which are zero. */
export function networkAddress(octets: Octets, bits: number): Octets {
  return octets.map((octet, i) => octet & maskOf(bits - i * 8));
}

/** Whether an address is of the same family as another and has its first bits. */
export function isInNetwork(octets: Octets, network: Octets, bits: number): boolean {
  if (octets.length !== network.length) return false;
  for (let at = 0; at * 8 < bits; at++) {
    const different = (octets[at] as number) ^ (network[at] as number);
    if ((different & maskOf(bits - at * 8)) !== 0) return false;
  }
  return true;
}

/** The octet of which the first bits are set: 8 at most. */
function maskOf(bits: number): number {
  return 0xff & (0xff00 >> Math.max(0, Math.min(8, bits)));
}
