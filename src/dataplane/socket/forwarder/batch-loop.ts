/** After this many batches the event loop gets a turn: rule changes come within milliseconds. */
const BATCHES_PER_TURN = 16;

/** And so it does after this, when batches have to wait for full send buffers: heartbeats must come. */
const TURN_LIMIT_MS = 100;

/**
 * Forwards batch after batch, for no longer than the event loop can wait.
 *
 * @param batch packets that a full one has: after one that is not full nothing waits any more
 * @param forward forwards a batch; how many packets it had, or none or less
 * @returns whether packets may be waiting
 */
export function forwardBatches(
  batch: number,
  forward: () => number,
  now: () => number = () => performance.now(),
): boolean {
  const deadline = now() + TURN_LIMIT_MS;
  for (let i = 0; i < BATCHES_PER_TURN; i++) {
    if (forward() < batch) return false;
    if (now() >= deadline) return true;
  }
  return true;
}
