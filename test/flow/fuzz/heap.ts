import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Octets that are in use when all garbage has been collected. */
export function heapInUse(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** What decoders may keep more when bounds have been reached: none of them grows with the number of datagrams. */
export const MOST_GROWTH = 48 * 1024 * 1024;
