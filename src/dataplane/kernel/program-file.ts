import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../package-root.ts';

/** What the build made of native/bpf, where it had clang. */
const FILE = 'native/build/kernel/floxy.o';

const POSSIBLE = '/sys/devices/system/cpu/possible';

/** Undefined: the build had no clang. */
export function readProgram(): Uint8Array | undefined {
  try {
    return readFileSync(join(packageRoot, FILE));
  } catch {
    return undefined;
  }
}

/** How many processors this machine may ever have (sysfs-devices-system-cpu), such as 4 for `0-3`. */
export function possibleProcessors(text = readFileSync(POSSIBLE, 'latin1')): number {
  const last = /(\d+)\s*$/.exec(text)?.[1];
  if (last === undefined) throw new Error(`${POSSIBLE} says ${JSON.stringify(text)}`);
  return Number(last) + 1;
}
