import { messageOf } from '../base/errors.ts';

/** What has changed without being told is noticed after so long. */
export const LOOK_MS = 5000;

/** - `output`: what packets of raw sockets go through, and frames do not. - `input`: what is between a link and a socket. */
export type Way = 'output' | 'input';

/** What a part of the kernel does on one way, which tells when something has changed. */
export interface Watched {
  /** While this process may ask: later it has given up the capability. */
  open(): void;
  /** @param onChange is called when something has changed */
  start(onChange: () => void): Promise<void>;
  stop(): void;
  /** What is in the way, or why that is not known, in words; undefined when nothing is. */
  obstacle(): string | undefined;
}

/**
 * What is on a way of packets that they would pass by, or why that is not known, in words; undefined when nothing is.
 *
 * @param others what there is besides what is watched; may throw
 */
export function firstObstacle(
  way: Way,
  watches: readonly Watched[],
  others: () => readonly string[],
): string | undefined {
  try {
    const watched = watches.flatMap((watch) => watch.obstacle() ?? []);
    return [...watched, ...others()][0];
  } catch (error) {
    return `what is on the way of ${way} is not known: ${messageOf(error)}`;
  }
}
