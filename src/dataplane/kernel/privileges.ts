import { type Capability, capabilityMask } from '../../native/capabilities.ts';

/** By the first the network is changed, by the others programs are loaded; they are two parts of SYS_ADMIN (kernel 5.8). */
const NEEDED: readonly (readonly [Capability, ...Capability[]])[] = [
  ['NET_ADMIN'],
  ['BPF', 'SYS_ADMIN'],
  // Else the verifier wants guards against speculation where there can be none, and refuses the program.
  ['PERFMON', 'SYS_ADMIN'],
];

/**
 * What is missing to load the program, in words; undefined: nothing, as far as is known.
 *
 * @param effective capabilities in force; undefined: not known
 */
export function missingPrivileges(effective: bigint | undefined): string | undefined {
  if (effective === undefined) return undefined;
  const missing = NEEDED.filter((one) => (effective & capabilityMask(...one)) === 0n);
  return missing.length === 0
    ? undefined
    : `it needs ${missing.map(([name]) => `CAP_${name}`).join(' and ')} when it starts`;
}
