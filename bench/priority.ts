import { readFileSync, writeFileSync } from 'node:fs';
import { constants, setPriority } from 'node:os';

/** The scheduler shares cores between sessions first, and only then between the processes of one (sched(7)). */
const SESSION_FILE = '/proc/self/autogroup';

/**
 * Gives this process, what it starts, and its session the highest priority: other programs of the host hardly
 * matter then.
 *
 * @returns gives the session its priority back
 */
export function raisePriority(): Disposable {
  setPriority(constants.priority.PRIORITY_HIGHEST);
  const before = /nice (-?\d+)/.exec(readSession())?.[1];
  if (before !== undefined) writeFileSync(SESSION_FILE, `${constants.priority.PRIORITY_HIGHEST}`);
  return {
    [Symbol.dispose]: () => {
      if (before !== undefined) writeFileSync(SESSION_FILE, before);
    },
  };
}

/** Empty where the kernel does not group by session. */
function readSession(): string {
  try {
    return readFileSync(SESSION_FILE, 'utf8');
  } catch {
    return '';
  }
}
