/**
 * Counter slots: which identity counts where. An identity is an exporter endpoint; an exporter endpoint,
 * a collector endpoint and its occurrence in the rule; or an exporter endpoint and an output (for its
 * rotation). What is in both the old and the new rules keeps its slot (spec S5).
 */

import { FloxyError } from '../base/errors.ts';
import { Turn } from '../base/turn.ts';
import {
  collectorKey,
  type Exporter,
  exporterKey,
  type Output,
  type Rule,
  type RuleSet,
} from '../model/rules.ts';
import type { OutputSlots, RuleSetSlots, RuleSlots } from './compile.ts';
import type { DecompiledRule, DecompiledTable } from './decompile.ts';

/** The slot of packets that match no rule. It never moves. */
const MISMATCHED_SLOT = 0;

/** Where the proxy's own test datagrams count. */
export const PROBE_SLOTS: RuleSlots = { input: 1, outputs: [{ rotation: 2, collectors: [3] }] };

const FIRST_FREE_SLOT = 4;

/** The slots of a rule set, and what taking it into force changes. */
export interface SlotAssignment {
  readonly slots: RuleSetSlots;
  /** Slots that the rules in force do not use. */
  readonly taken: readonly number[];
  /** Slots of the rules in force that this rule set does not use. */
  readonly released: readonly number[];
  readonly rules: ReadonlyMap<string, AssignedRule>;
  readonly defaults: AssignedRule;
}

type AssignedRule = DecompiledRule;

const NO_DEFAULTS: AssignedRule = { outputs: [], slots: { input: MISMATCHED_SLOT, outputs: [] } };

/** Hands out slots. One assignment at a time is between assign() and commit() or discard(). */
export class SlotAllocator {
  readonly #capacity: number;
  readonly #clear: (slot: number) => void;
  readonly #free: number[] = [];
  #unused = FIRST_FREE_SLOT;
  #rules: ReadonlyMap<string, AssignedRule> = new Map();
  #defaults: AssignedRule = NO_DEFAULTS;

  /**
   * @param capacity how many slots there are
   * @param clear sets a slot to zero that is about to be used; nobody writes to it then
   */
  constructor(capacity: number, clear: (slot: number) => void) {
    this.#capacity = capacity;
    this.#clear = clear;
  }

  /** Goes on from the table that forwarders work by, which another process has made. */
  adopt({ rules, defaults }: DecompiledTable): void {
    const ours = rules.filter(({ slots }) => slots.input !== PROBE_SLOTS.input);
    this.#rules = new Map(ours.map((rule) => [exporterKey(rule.exporter), rule]));
    this.#defaults = defaults;
    for (const { slots } of [...ours, defaults]) {
      for (const slot of [slots.input, ...outputSlots(slots.outputs)]) {
        this.#unused = Math.max(this.#unused, slot + 1);
      }
    }
  }

  /** Lets the process do other things in between. @throws FloxyError LIMIT_EXCEEDED, with nothing taken */
  async assign(ruleSet: RuleSet): Promise<SlotAssignment> {
    const taken: number[] = [];
    const take = () => {
      const slot = this.#take();
      taken.push(slot);
      return slot;
    };
    try {
      return { ...(await this.#assign(ruleSet, take)), taken };
    } catch (error) {
      this.#release(taken);
      throw error;
    }
  }

  /** The assignment is in force everywhere: what it released can be used again. */
  commit(assignment: SlotAssignment): void {
    this.#rules = assignment.rules;
    this.#defaults = assignment.defaults;
    this.#release(assignment.released);
  }

  discard(assignment: SlotAssignment): void {
    this.#release(assignment.taken);
  }

  /** Slots of the rules in force. */
  rule(exporter: Exporter): RuleSlots | undefined {
    return this.#rules.get(exporterKey(exporter))?.slots;
  }

  get defaults(): RuleSlots {
    return this.#defaults.slots;
  }

  async #assign(ruleSet: RuleSet, take: () => number): Promise<Omit<SlotAssignment, 'taken'>> {
    const released: number[] = [];
    const rules = new Map<string, AssignedRule>();
    const assigner = new OutputAssigner(take, released);
    const turn = new Turn();
    for (const rule of ruleSet.rules) {
      if (turn.isOver) await turn.next();
      const key = exporterKey(rule.exporter);
      rules.set(key, assigner.rule(rule, this.#rules.get(key)));
    }
    for (const [key, old] of this.#rules) {
      if (turn.isOver) await turn.next();
      if (!rules.has(key)) released.push(old.slots.input, ...outputSlots(old.slots.outputs));
    }
    const defaults: AssignedRule = {
      outputs: ruleSet.defaultOutputs,
      slots: {
        input: MISMATCHED_SLOT,
        outputs: assigner.outputs(ruleSet.defaultOutputs, this.#defaults),
      },
    };
    const slots = {
      rules: [...rules.values()].map((rule) => rule.slots),
      defaults: defaults.slots,
    };
    return { slots, released, rules, defaults };
  }

  #take(): number {
    const slot = this.#free.pop() ?? this.#unused;
    if (slot < this.#capacity) {
      this.#unused = Math.max(this.#unused, slot + 1);
      this.#clear(slot);
      return slot;
    }
    const message = `no room for the counters of these rules: ${this.#capacity} slots are in use by the old and the new rules together; change them in smaller steps`;
    throw new FloxyError('LIMIT_EXCEEDED', message);
  }

  #release(slots: readonly number[]): void {
    for (const slot of slots) this.#free.push(slot);
  }
}

/** A collector of an output, or the output itself as collector -1. */
interface Identity {
  readonly name: string;
  readonly output: number;
  readonly collector: number;
}

/** Matches old and new outputs of one change by identity. */
class OutputAssigner {
  readonly #take: () => number;
  /** Gets what is left of the old outputs. */
  readonly #released: number[];
  /** Many rules have the same outputs. */
  readonly #identities = new Map<readonly Output[], readonly Identity[]>();

  constructor(take: () => number, released: number[]) {
    this.#take = take;
    this.#released = released;
  }

  rule({ outputs }: Rule, old: AssignedRule | undefined): AssignedRule {
    if (old?.outputs === outputs) return old;
    const input = old?.slots.input ?? this.#take();
    return { outputs, slots: { input, outputs: this.outputs(outputs, old ?? NO_DEFAULTS) } };
  }

  outputs(outputs: readonly Output[], old: AssignedRule): readonly OutputSlots[] {
    if (old.outputs === outputs) return old.slots.outputs;
    const identities = this.#identitiesOf(outputs);
    const before = this.#identitiesOf(old.outputs);
    if (areSame(identities, before)) return old.slots.outputs;
    const kept = new Map<string, number>();
    for (const { name, output, collector } of before) {
      const slots = old.slots.outputs[output];
      const slot = collector < 0 ? slots?.rotation : slots?.collectors[collector];
      if (slot !== undefined) kept.set(name, slot);
    }
    const assigned = outputs.map(() => ({ rotation: 0, collectors: [] as number[] }));
    for (const { name, output, collector } of identities) {
      const slot = kept.get(name) ?? this.#take();
      kept.delete(name);
      const slots = assigned[output] as { rotation: number; collectors: number[] };
      if (collector < 0) slots.rotation = slot;
      else slots.collectors[collector] = slot;
    }
    for (const slot of kept.values()) this.#released.push(slot);
    return assigned;
  }

  #identitiesOf(outputs: readonly Output[]): readonly Identity[] {
    let identities = this.#identities.get(outputs);
    if (identities === undefined) {
      identities = identify(outputs);
      this.#identities.set(outputs, identities);
    }
    return identities;
  }
}

/** Each collector, and each output itself, with a name that no other of the rule has. */
function identify(outputs: readonly Output[]): Identity[] {
  const occurrences = new Map<string, number>();
  const numbered = (name: string) => {
    const occurrence = occurrences.get(name) ?? 0;
    occurrences.set(name, occurrence + 1);
    return `${name}#${occurrence}`;
  };
  return outputs.flatMap(({ collectors }, output) => {
    const names = collectors.map(collectorKey);
    const identities = names.map((name, collector) => ({
      name: numbered(name),
      output,
      collector,
    }));
    const name = numbered(`output ${[...names].sort().join(' ')}`);
    return [...identities, { name, output, collector: -1 }];
  });
}

function areSame(some: readonly Identity[], others: readonly Identity[]): boolean {
  return some.length === others.length && some.every(({ name }, i) => name === others[i]?.name);
}

function outputSlots(outputs: readonly OutputSlots[]): number[] {
  return outputs.flatMap(({ rotation, collectors }) => [rotation, ...collectors]);
}
