import { readFileSync } from 'node:fs';

/** By number: linux/capability.h. */
export const CAPABILITY = {
  CHOWN: 0n,
  DAC_OVERRIDE: 1n,
  KILL: 5n,
  SETGID: 6n,
  SETUID: 7n,
  NET_BIND_SERVICE: 10n,
  NET_ADMIN: 12n,
  NET_RAW: 13n,
  SYS_ADMIN: 21n,
  SYS_NICE: 23n,
  PERFMON: 38n,
  BPF: 39n,
} as const;

export type Capability = keyof typeof CAPABILITY;

export function capabilityMask(...names: readonly Capability[]): bigint {
  return names.reduce((mask, name) => mask | (1n << CAPABILITY[name]), 0n);
}

/** Those in force for this process; undefined when the kernel does not say. */
export function effectiveCapabilities(): bigint | undefined {
  try {
    const hex = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1];
    return hex === undefined ? undefined : BigInt(`0x${hex}`);
  } catch {
    return undefined;
  }
}
