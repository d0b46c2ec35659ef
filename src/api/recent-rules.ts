import type { RuleSet } from '../model/rules.ts';

/** Rules in all remembered sets together: a reference each, 16 MB. */
const MAX_RULES_REMEMBERED = 2_000_000;
const MAX_SETS_REMEMBERED = 64;

/**
 * The rule sets that watchers were told last. One that was cut off and comes back has one of them: it is sent
 * what is different, and not 100,000 rules.
 */
export class RecentRules {
  /** In the order in which they were remembered. */
  readonly #sets = new Map<string, RuleSet>();
  readonly #maxRules: number;
  #rules = 0;

  constructor(maxRules: number = MAX_RULES_REMEMBERED) {
    this.#maxRules = maxRules;
  }

  find(digest: string): RuleSet | undefined {
    return this.#sets.get(digest);
  }

  remember(digest: string, ruleSet: RuleSet): void {
    this.#forget(digest);
    this.#sets.set(digest, ruleSet);
    this.#rules += ruleSet.rules.length;
    for (const oldest of this.#sets.keys()) {
      const isTooMuch = this.#rules > this.#maxRules || this.#sets.size > MAX_SETS_REMEMBERED;
      if (!isTooMuch || oldest === digest) return;
      this.#forget(oldest);
    }
  }

  #forget(digest: string): void {
    this.#rules -= this.#sets.get(digest)?.rules.length ?? 0;
    this.#sets.delete(digest);
  }
}
