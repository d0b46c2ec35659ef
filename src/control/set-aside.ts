import type { Logger } from 'pino';
import { exporterKey, type RuleSet } from '../model/rules.ts';
import { type Counters, NOTHING_LEFT_OUT } from '../model/statistics.ts';
import { findUnfit, type HostAddresses, type Unfit } from '../rules/validate.ts';
import type { RuleSetCounters } from './ports.ts';

const MAX_LISTED = 5;
const ZERO: Counters = { packets: 0n, bytes: 0n };

/**
 * Rules that this host would refuse by now: its addresses have changed since they were accepted, say. They stay in the
 * rules, and are not in force until they fit again (spec V8).
 */
export class SetAside {
  static readonly NONE = new SetAside({ rules: new Map(), defaultOutputs: new Map() });

  readonly #unfit: Unfit;

  private constructor(unfit: Unfit) {
    this.#unfit = unfit;
  }

  /** All of it, each with its reason. */
  get unfit(): Unfit {
    return this.#unfit;
  }

  /** Looks at all rules. */
  static of(ruleSet: RuleSet, host: HostAddresses): SetAside {
    return new SetAside(findUnfit(ruleSet, host));
  }

  get isNone(): boolean {
    return this.count === 0;
  }

  /** Looks again at those that were set aside, as far as they are in the rules still. */
  again(ruleSet: RuleSet, host: HostAddresses): SetAside {
    if (this.isNone) return this;
    const { rules, defaultOutputs } = this.#unfit;
    return SetAside.of(
      {
        rules: ruleSet.rules.filter((rule) => rules.has(rule)),
        defaultOutputs: ruleSet.defaultOutputs.filter((output) => defaultOutputs.has(output)),
      },
      host,
    );
  }

  /** Whether the same is set aside for the same reasons. */
  isLike(other: SetAside): boolean {
    const { rules, defaultOutputs } = other.#unfit;
    return (
      areEqual(this.#unfit.rules, rules) && areEqual(this.#unfit.defaultOutputs, defaultOutputs)
    );
  }

  /** The rules that are in force. */
  without(ruleSet: RuleSet): RuleSet {
    if (this.isNone) return ruleSet;
    const { rules, defaultOutputs } = this.#unfit;
    return {
      rules: ruleSet.rules.filter((rule) => !rules.has(rule)),
      defaultOutputs: ruleSet.defaultOutputs.filter((output) => !defaultOutputs.has(output)),
    };
  }

  /** @param counters of without() the rule set. @returns those of all its rules: zero for what is set aside */
  counters(counters: RuleSetCounters, { defaultOutputs }: RuleSet): RuleSetCounters {
    if (this.isNone) return counters;
    const { rules, defaultOutputs: outputs } = this.#unfit;
    /** In the places of the default outputs. */
    const placed = <T>(inForce: readonly T[], absent: T): readonly T[] => {
      const found = inForce.values();
      return defaultOutputs.map((output) =>
        outputs.has(output) ? absent : (found.next().value ?? absent),
      );
    };
    return {
      input: (rule) => (rules.has(rule) ? ZERO : counters.input(rule)),
      outputs: (rule) => (rules.has(rule) ? [] : counters.outputs(rule)),
      defaultOutputs: () => placed(counters.defaultOutputs(), []),
      leftOut: (rule) => (rules.has(rule) ? [] : counters.leftOut(rule)),
      leftOutByDefault: () => placed(counters.leftOutByDefault(), NOTHING_LEFT_OUT),
      mismatched: () => counters.mismatched(),
    };
  }

  /** What is set aside and why, by name; undefined when nothing is. */
  get problem(): string | undefined {
    if (this.isNone) return undefined;
    const { rules, defaultOutputs } = this.#unfit;
    const all = [
      ...[...rules].map(([rule, why]) => `the rule of ${exporterKey(rule.exporter)} (${why})`),
      ...[...defaultOutputs.values()].map((why) => `a default output (${why})`),
    ];
    const listed = all.slice(0, MAX_LISTED).join(', ');
    const more = all.length > MAX_LISTED ? ` and ${all.length - MAX_LISTED} more` : '';
    return `rules that do not fit this host any more are not in force: ${listed}${more}; change or delete them, or the addresses of this host`;
  }

  /** Says what is different from before. */
  tell(before: SetAside, log: Logger): void {
    const { problem } = this;
    if (problem === before.problem) return;
    if (problem === undefined) log.info('all rules are in force again');
    else log.error(problem);
  }

  /** Rules and default outputs. */
  get count(): number {
    return this.#unfit.rules.size + this.#unfit.defaultOutputs.size;
  }
}

function areEqual<T>(some: ReadonlyMap<T, string>, others: ReadonlyMap<T, string>): boolean {
  return some.size === others.size && [...some].every(([key, why]) => others.get(key) === why);
}
