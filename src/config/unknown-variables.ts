import { nearestText } from '../base/nearest.ts';
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
  const words = name.split('_');
  // Words that were left out are more likely than others that look alike.
  const longer = KNOWN_VARIABLES.filter((known) => {
    const theirs = known.split('_');
    return words.every((word) => theirs.includes(word));
  });
  const { text: nearest, distance } = nearestText(
    name,
    longer.length > 0 ? longer : KNOWN_VARIABLES,
  );
  return { name, nearest, distance };
}
