import { withoutControls } from '../base/text.ts';

/** Priorities of the journal (sd-daemon(3)) by the names of pino's levels. */
const PRIORITIES: Readonly<Record<string, number>> = {
  fatal: 2,
  error: 3,
  warn: 4,
  info: 6,
  debug: 7,
  trace: 7,
};

interface LogRecord {
  readonly level?: string;
  /** RFC 3339 in UTC. */
  readonly time?: string;
  readonly component?: string;
  readonly msg?: string;
}

/**
 * Makes of a line of the log, one JSON object, one for people: `2026-11-26 04:12:07.123 WARN  dataplane: packets lost
 * kind="truncated" packets="5"`. What others may have written is in quotes, with control characters as escapes.
 */
export function readableLine(line: string): string {
  const record = JSON.parse(line) as LogRecord;
  const when = (record.time ?? '').replace('T', ' ').replace('Z', '');
  return `${withoutControls(`${when} ${readable(record)}`)}\n`;
}

/**
 * Makes of a line of the log one for the journal of systemd, which takes the priority from its beginning and knows the time
 * itself: `<4>{"level":"warn",…}`, or for people `<4>WARN  dataplane: packets lost …`.
 */
export function journalLine(line: string, isText: boolean): string {
  const record = JSON.parse(line) as LogRecord;
  const priority = PRIORITIES[record.level ?? ''] ?? PRIORITIES['info'];
  return `<${priority}>${isText ? `${withoutControls(readable(record))}\n` : line}`;
}

function readable({ level = '', time: _, component, msg, ...details }: LogRecord): string {
  const name = level.toUpperCase().padEnd(5);
  const who = component === undefined ? '' : `${component}: `;
  const rest = Object.entries(details).map(([key, value]) => ` ${key}=${JSON.stringify(value)}`);
  return `${name} ${who}${msg ?? ''}${rest.join('')}`;
}
