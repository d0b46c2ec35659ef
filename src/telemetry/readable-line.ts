import { withoutControls } from '../base/text.ts';

/** pino's numbers. */
const LEVELS: Readonly<Record<number, string>> = {
  10: 'TRACE',
  20: 'DEBUG',
  30: 'INFO',
  40: 'WARN',
  50: 'ERROR',
  60: 'FATAL',
};

/**
 * Makes of a line of the log, one JSON object, one for people: `2026-11-26 04:12:07.123 WARN  dataplane: packets lost
 * kind="truncated" packets="5"`. What others may have written is in quotes, with control characters as escapes.
 */
export function readableLine(line: string): string {
  const { level, time, component, msg, ...details } = JSON.parse(line) as Record<string, unknown>;
  const when = new Date(Number(time)).toISOString().replace('T', ' ').replace('Z', '');
  const name = (LEVELS[Number(level)] ?? String(level)).padEnd(5);
  const who = component === undefined ? '' : `${component}: `;
  const rest = Object.entries(details).map(([key, value]) => ` ${key}=${JSON.stringify(value)}`);
  return `${withoutControls(`${when} ${name} ${who}${msg ?? ''}${rest.join('')}`)}\n`;
}
