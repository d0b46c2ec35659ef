import { messageOf } from '../base/errors.ts';

/** What has changed without being told is noticed after so long. */
export const LOOK_MS = 5000;

/** Of a part of the kernel, which tells when something has changed. */
export interface Watched {
  /** @param onChange is called when something has changed */
  start(onChange: () => void): Promise<void>;
  stop(): void;
  obstacle(): string | undefined;
}

/**
 * What is on a way of packets that they would pass by, or why that is not known, in words; undefined when nothing is.
 *
 * @param others what there is besides what is watched; may throw
 */
export function firstObstacle(
  way: 'input' | 'output',
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
