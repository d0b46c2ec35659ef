import type { Logger } from 'pino';
import type { RuleSet } from '../model/rules.ts';
import { findLoops, type HostAddresses } from '../rules/validate.ts';

const MAX_LISTED = 5;

/**
 * Says which collectors of the rules in force have become the proxy itself: addresses of the host change after rules
 * were accepted, and then packets circle until their hop limit ends them (spec V4, R14).
 */
export class LoopWatch {
  readonly #log: Logger;
  #problem: string | undefined;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** In words, naming the collectors; undefined while there are none. */
  get problem(): string | undefined {
    return this.#problem;
  }

  check(ruleSet: RuleSet, host: HostAddresses): void {
    const loops = findLoops(ruleSet, host);
    const problem = loops.length === 0 ? undefined : describe(loops);
    if (problem === this.#problem) return;
    if (problem === undefined) this.#log.info('no collector is this host itself any more');
    else this.#log.error({ collectors: loops.slice(0, MAX_LISTED) }, problem);
    this.#problem = problem;
  }
}

function describe(loops: readonly string[]): string {
  const listed = loops.slice(0, MAX_LISTED).join(', ');
  const more = loops.length > MAX_LISTED ? ` and ${loops.length - MAX_LISTED} more` : '';
  return `packets circle: the collectors ${listed}${more} have become addresses of this host with the port on which the proxy receives: take the addresses away, or the collectors out of the rules`;
}
