import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Octets that are in use when all garbage has been collected. */
export function heapInUse(): number {
  (globalThis.gc ?? exposedGc())();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** Code is slower afterwards: who looks often starts Node with --expose-gc. */
function exposedGc(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}

/** What decoders may keep more when bounds have been reached: none of them grows with the number of datagrams. */
export const MOST_GROWTH = 48 * 1024 * 1024;
