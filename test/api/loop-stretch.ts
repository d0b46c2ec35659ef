/**
 * The longest time, in ms of processor time of this thread, that the event loop did one thing, until a promise
 * is settled. Other programs on the machine do not count.
 */
export async function longestStretchMs(until: Promise<unknown>): Promise<number> {
  let isDone = false;
  const done = until.finally(() => {
    isDone = true;
  });
  let longest = 0;
  let last = usedMs();
  while (!isDone) {
    await new Promise(setImmediate);
    const now = usedMs();
    longest = Math.max(longest, now - last);
    last = now;
  }
  await done;
  return longest;
}

function usedMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}
