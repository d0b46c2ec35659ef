/**
 * For tests of the store that need processes of their own: the test file starts itself with the name of a
 * scenario and a directory.
 */
import { fileURLToPath } from 'node:url';
import { ruleSet } from '../support/rule-sets.ts';
import { adding, numberedRule, SAVED_BY_THE_DEAD } from './rule-store.ts';

export const saved = ruleSet([numberedRule(1)]);
export const both = SAVED_BY_THE_DEAD;
export const update = adding(numberedRule(2));

/** What to do in a directory, by name. */
export type Scenarios = Readonly<Record<string, (directory: string) => void>>;

/** The command that runs a scenario. @param url of the test file (import.meta.url) */
export function scenarioCommand(url: string, scenario: string, directory: string): string[] {
  return [process.execPath, fileURLToPath(url), scenario, directory];
}

/**
 * Runs the scenario that the command line names.
 *
 * @param prepare is called before
 * @returns false when there is none: this is the test process
 */
export function runScenario(
  scenarios: Scenarios,
  prepare: (scenario: string, directory: string) => void = () => undefined,
): boolean {
  const [, , scenario = '', directory = ''] = process.argv;
  const run = scenarios[scenario];
  if (run === undefined) return false;
  prepare(scenario, directory);
  run(directory);
  return true;
}
