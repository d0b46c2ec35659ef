import type { Logger } from 'pino';
import { EMPTY_RULE_SET, type Revision, type Rule, type RuleSet } from '../model/rules.ts';
import type { DataPlane, PreparedRules, RuleSetCounters } from './ports.ts';
import { SetAside } from './set-aside.ts';
import {
  indexByExporter,
  NO_COUNTERS,
  type PresentRules,
  type RulesInForce,
} from './statistics.ts';

/** The rules that a node has. */
export interface Current {
  readonly revision: Revision;
  readonly ruleSet: RuleSet;
}

/** The rules of this node, what of them is in force, and their counters: they change together. */
export class InForce {
  readonly #dataPlane: DataPlane;
  readonly #log: Logger;
  readonly #listeners = new Set<() => void>();
  #current: Current = { revision: { number: 0 }, ruleSet: EMPTY_RULE_SET };
  #setAside = SetAside.NONE;
  #counters: RuleSetCounters = NO_COUNTERS;
  /** Made when it is needed. */
  #byExporter: ReadonlyMap<string, Rule> | undefined;

  constructor(dataPlane: DataPlane, log: Logger) {
    this.#dataPlane = dataPlane;
    this.#log = log;
  }

  get current(): Current {
    return this.#current;
  }

  get setAside(): SetAside {
    return this.#setAside;
  }

  /** Calls the listener each time other rules are in force. @returns what ends it */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Makes a table of all rules that fit this host, and has packets handled by it. */
  async put(current: Current, setAside: SetAside): Promise<void> {
    const prepared = await this.#dataPlane.prepare(setAside.without(current.ruleSet));
    this.set(current, setAside, await prepared.putInForce());
  }

  /** What is in force goes on. Only while nothing is set aside. */
  again(): PreparedRules {
    const counters = this.#counters;
    return { putInForce: () => Promise.resolve(counters), discard: () => undefined };
  }

  /** @param counters of the rules that are not set aside */
  set(current: Current, setAside: SetAside, counters: RuleSetCounters): void {
    setAside.tell(this.#setAside, this.#log);
    this.#current = current;
    this.#setAside = setAside;
    this.#counters = setAside.counters(counters, current.ruleSet);
    this.#byExporter = undefined;
    for (const listener of this.#listeners) listener();
  }

  /** The same rules with another record of their revision. */
  setRevision(revision: Revision): void {
    this.#current = { ...this.#current, revision };
  }

  rules(): RulesInForce {
    const current = this.#current;
    const { ruleSet } = current;
    this.#byExporter ??= indexByExporter(ruleSet);
    return {
      ruleSet,
      byExporter: this.#byExporter,
      counters: this.#counters,
      isPresent: () => current === this.#current,
    };
  }

  /** Costs nothing however many rules there are. */
  present(): PresentRules {
    const current = this.#current;
    const byExporter = () => this.rules().byExporter;
    return {
      revision: current.revision,
      ruleSet: current.ruleSet,
      counters: this.#counters,
      setAside: this.#setAside.count,
      isPresent: () => current === this.#current,
      get byExporter() {
        return byExporter();
      },
    };
  }
}
