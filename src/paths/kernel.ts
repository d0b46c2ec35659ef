import { findHops, type Hop } from '../native/hops.ts';
import type { Route } from '../native/network.ts';
import {
  findRoutes,
  type Link,
  type Neighbour,
  readLinks,
  readNeighbours,
} from '../native/network.ts';

/** What the kernel is asked of the ways to addresses, of 4 or 16 bytes; replaced in tests. */
export interface Kernel {
  readonly findRoutes: (destinations: readonly Uint8Array[]) => readonly Route[];
  readonly findHops: (
    destinations: readonly Uint8Array[],
  ) => readonly (readonly Hop[] | undefined)[];
  readonly readNeighbours: () => readonly Neighbour[];
  readonly readLinks: () => readonly Link[];
}

export const KERNEL: Kernel = { findRoutes, findHops, readNeighbours, readLinks };
