import { isatty } from 'node:tty';
import { type Logger, pino } from 'pino';
import { LogWriter } from '../telemetry/log-writer.ts';
import { readableLine } from '../telemetry/readable-line.ts';

/** What is left of the log at the end has this long to find its reader. */
const CLOSE_LIMIT_MS = 500;

/** The log of a process: one JSON object a line, or for people where that is a terminal. */
export interface ProcessLog {
  readonly log: Logger;
  /** Lines that could not be written, since the start. */
  readonly droppedLines: () => number;
  /** Writes what waits, as far as it can be written soon. Comes last. */
  close(): Promise<void>;
}

/** @param level one of pino's, or `silent` @param fd standard output, or standard error */
export function openLog(level: string, fd: 1 | 2 = 1): ProcessLog {
  const writer = new LogWriter(fd, (lines, error) => {
    log.warn({ lines, error }, 'log lines were dropped: they could not be written');
  });
  const write = (line: string) => writer.write(readableLine(line));
  const log = pino({ level, base: null }, isatty(fd) ? { write } : writer);
  // Node.js writes warnings there: a reader that has gone must not end the process.
  process.stderr.on('error', () => undefined);
  return { log, droppedLines: () => writer.dropped, close: () => writer.close(CLOSE_LIMIT_MS) };
}
