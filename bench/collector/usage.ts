/** CPU time of processes, exact: all threads, by the scheduler's account. */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { sum } from '../statistics.ts';

const NANOSECONDS = 1e9;
const POLL_MS = 2;
/** Who needs less of a processor than this is idle. */
const IDLE_MS = 200;
const IDLE_SHARE = 0.02;

/** CPU seconds so far of processes that run; those that have ended count nothing. */
export function cpuSecondsOf(pids: readonly number[]): number {
  return sum(pids.map((pid) => nanosecondsOf(pid) ?? 0)) / NANOSECONDS;
}

/** Waits until processes do nothing, such as those that have begun or been told all. */
export async function untilIdle(pids: readonly number[]): Promise<void> {
  let before = cpuSecondsOf(pids);
  for (;;) {
    await delay(IDLE_MS);
    const now = cpuSecondsOf(pids);
    if (now - before < IDLE_SHARE * (IDLE_MS / 1000)) return;
    before = now;
  }
}

/**
 * Ends processes, and waits until they have ended.
 *
 * @returns their CPU seconds until then, but for the last two milliseconds
 */
export async function cpuSecondsUntilEnd(
  pids: readonly number[],
  end: () => void,
): Promise<number> {
  const last = new Map(pids.map((pid) => [pid, nanosecondsOf(pid) ?? 0]));
  end();
  for (let running = pids; running.length > 0; ) {
    await delay(POLL_MS);
    running = running.filter((pid) => {
      const nanoseconds = nanosecondsOf(pid);
      if (nanoseconds !== undefined) last.set(pid, Math.max(nanoseconds, last.get(pid) ?? 0));
      return nanoseconds !== undefined;
    });
  }
  return sum([...last.values()]) / NANOSECONDS;
}

/** @returns undefined when it has ended, or is only waited for */
function nanosecondsOf(pid: number): number | undefined {
  try {
    const state = /\) (\w)/.exec(readFileSync(`/proc/${pid}/stat`, 'latin1'))?.[1];
    if (state === 'Z' || state === 'X') return undefined;
    const threads = readdirSync(`/proc/${pid}/task`);
    return sum(
      threads.map((thread) => {
        const text = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1');
        return Number(text.split(' ')[0]);
      }),
    );
  } catch {
    return undefined;
  }
}
