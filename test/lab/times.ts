/**
 * Times that the documents promise. Tests do what must not take longer, and tell how long it took; whether that
 * was quick enough is judged where nothing else runs, by `npm run bench -- --times`. A machine that has other
 * things to do proves nothing about a time, and everything about an account.
 */
import { appendFileSync } from 'node:fs';

/** Where the benchmark wants to be told; unset in a run of the tests. */
const FILE = process.env['FLOXY_TIMES_FILE'];

/** What was promised, and what was found. */
export interface ToldTime {
  readonly what: string;
  readonly ms: number;
  readonly limitMs: number;
}

/** @param what has to take no longer than `limitMs`; the slowest of several of one name counts */
export function tellTime(what: string, ms: number, limitMs: number): void {
  if (FILE === undefined) return;
  const told: ToldTime = { what, ms, limitMs };
  appendFileSync(FILE, `${JSON.stringify(told)}\n`);
}
