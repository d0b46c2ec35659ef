import { KNOWN_VARIABLES } from './all-settings.ts';

/** A variable that looks like one of ours and is none: most likely misspelt. */
export interface UnknownVariable {
  readonly name: string;
  /** The known name that differs least. */
  readonly nearest: string;
}

/** These names are ours alone. */
const OWN_PREFIX = /^COLLECTOR_(FLOXY|API|ANNOUNCE)_/;

/** The rest of COLLECTOR_… may belong to other programs: only what is this near counts as misspelt. */
const MAX_TYPING_ERRORS = 2;

/**
 * Finds variables that were meant for the service but have no effect: unknown `COLLECTOR_FLOXY_…`,
 * `COLLECTOR_API_…` and `COLLECTOR_ANNOUNCE_…`, and other `COLLECTOR_…` that differ from a known name by a letter or two.
 */
export function unknownVariables(env: NodeJS.ProcessEnv): UnknownVariable[] {
  return Object.keys(env)
    .filter((name) => name.startsWith('COLLECTOR_') && !isKnown(name))
    .map((name) => nearestVariable(name))
    .filter(({ name, distance }) => OWN_PREFIX.test(name) || distance <= MAX_TYPING_ERRORS)
    .map(({ name, nearest }) => ({ name, nearest }))
    .sort((a, b) => a.name.localeCompare(b.name));
}

function isKnown(name: string): boolean {
  return KNOWN_VARIABLES.includes(name);
}

function nearestVariable(name: string): UnknownVariable & { distance: number } {
  return KNOWN_VARIABLES.map((nearest) => ({
    name,
    nearest,
    distance: editDistance(name, nearest),
  })).reduce((best, candidate) => (candidate.distance < best.distance ? candidate : best));
}

/** Levenshtein distance: letters to insert, delete or replace. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (const [index, letter] of [...from].entries()) {
    const next = [index + 1];
    for (let column = 1; column <= to.length; column++) {
      const replaced = (row[column - 1] ?? 0) + (letter === to[column - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
