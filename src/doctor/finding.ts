/**
 * - `OK`: looked at, and nothing is wrong.
 * - `WARN`: it works, and something is, or is about to be, not as it should.
 * - `FAIL`: packets are lost, or the service cannot do its work.
 * - `SKIP`: it could not be looked at.
 */
export type Level = 'OK' | 'WARN' | 'FAIL' | 'SKIP';

/** What a check has found, in one line. */
export interface Finding {
  /** What was looked at: a name of CHECKS. */
  readonly check: string;
  readonly level: Level;
  readonly what: string;
  /** What to do. */
  readonly advice?: string;
}

/** A finding without the name of its check. */
export type Found = Omit<Finding, 'check'>;

export function ok(what: string, advice?: string): Found {
  return { level: 'OK', what, ...(advice !== undefined && { advice }) };
}

export function warn(what: string, advice: string): Found {
  return { level: 'WARN', what, advice };
}

export function fail(what: string, advice: string): Found {
  return { level: 'FAIL', what, advice };
}

/** @param what that could not be looked at, and why */
export function skip(what: string, advice?: string): Found {
  return { level: 'SKIP', what, ...(advice !== undefined && { advice }) };
}

const MAX_NAMED = 5;

/** The first few of a list, and how many more there are. */
export function listed(names: readonly string[]): string {
  const rest = names.length - MAX_NAMED;
  const first = names.slice(0, MAX_NAMED).join(', ');
  return rest > 0 ? `${first} and ${rest} more` : first;
}

/** `1 packet`, `2 packets`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
