import { fstatSync } from 'node:fs';
import { isatty } from 'node:tty';
import { type Logger, pino } from 'pino';
import type { LogConfig } from '../config/store.ts';
import { LOG_FORM } from '../telemetry/log-form.ts';
import { LogWriter } from '../telemetry/log-writer.ts';
import { journalLine, readableLine } from '../telemetry/readable-line.ts';

/** What is left of the log at the end has this long to find its reader. */
const CLOSE_LIMIT_MS = 500;

/** The log of a process: one JSON object a line, or for people. */
export interface ProcessLog {
  readonly log: Logger;
  /** Lines that could not be written, since the start. */
  readonly droppedLines: () => number;
  /** Writes what waits, as far as it can be written soon. Comes last. */
  close(): Promise<void>;
}

/** @param fd standard output, or standard error */
export function openLog({ logLevel, logFormat }: LogConfig, fd: 1 | 2 = 1): ProcessLog {
  const writer = new LogWriter(fd, (lines, error) => {
    log.warn({ lines, error }, 'log lines were dropped: they could not be written');
  });
  const isText = logFormat === 'text' || (logFormat === 'auto' && isatty(fd));
  const isJournal = leadsToJournal(fd, process.env['JOURNAL_STREAM']);
  const format = isJournal ? (line: string) => journalLine(line, isText) : readableLine;
  const write = (line: string) => writer.write(format(line));
  const log = pino({ ...LOG_FORM, level: logLevel }, isText || isJournal ? { write } : writer);
  // Node.js writes warnings there: a reader that has gone must not end the process.
  process.stderr.on('error', () => undefined);
  return { log, droppedLines: () => writer.dropped, close: () => writer.close(CLOSE_LIMIT_MS) };
}

/**
 * Whether a descriptor is connected to systemd's journal (systemd.exec(5)): programs that a service starts inherit the
 * variable, and may write elsewhere.
 *
 * @param stream `device:inode`
 */
function leadsToJournal(fd: number, stream: string | undefined): boolean {
  if (stream === undefined) return false;
  try {
    const { dev, ino } = fstatSync(fd, { bigint: true });
    return `${dev}:${ino}` === stream;
  } catch {
    return false;
  }
}
