import { type Logger, pino } from 'pino';
import type { MessageFromWorker } from './messages.ts';

/** Lines on their way to control; what comes beyond is dropped and counted. */
const MAX_WAITING = 1000;

/** A worker's log: control writes it, with its own. Never waits. */
export function sentLog(
  level: string,
  send: (message: MessageFromWorker, sent: () => void) => void,
): Logger {
  let waiting = 0;
  let dropped = 0;
  const write = (line: string) => {
    if (waiting >= MAX_WAITING) {
      dropped++;
      return;
    }
    waiting++;
    send({ kind: 'log', line }, () => {
      waiting--;
      if (dropped === 0 || waiting > 0) return;
      const lines = dropped;
      dropped = 0;
      log.warn({ lines }, 'log lines of this worker were dropped: control did not take them');
    });
  };
  const log = pino({ level, base: null }, { write });
  return log;
}
