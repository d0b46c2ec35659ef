/**
 * Where rules count, and where their outputs keep the state of balancing: which identity has which counter
 * slot and which state. An identity is an exporter; an exporter, a collector and its occurrence in the rule;
 * or an exporter and an output (for its state). What is in both the old and the new rules keeps what it has
 * (spec S5).
 */
import { Turn } from '../base/turn.ts';
import {
  type Exporter,
  exporterKey,
  type Rule,
  type RuleEdit,
  type RuleSet,
} from '../model/rules.ts';
import {
  type AssignedOutputs,
  type AssignedRule,
  MISMATCHED_SLOT,
  type Numbers,
  type RuleSlots,
} from './assigned.ts';
import { Assigning } from './assigning.ts';
import type { IdentifiedRule, Identities } from './identities.ts';
import { TABLE } from './layout.ts';
import { NumberPool } from './number-pool.ts';
import { assignPipelines, checkPipelines } from './pipelines.ts';

/** Where the proxy's own test datagrams count. */
export const PROBE_SLOTS: RuleSlots = {
  input: TABLE.SLOT_PROBE,
  outputs: [{ state: 0, collectors: [2] }],
};

const FIRST_FREE_SLOT = 3;
const FIRST_FREE_STATE = 1;

/** What taking a rule set into force changes. */
export interface SlotAssignment {
  /** All rules are in it; else only those that are new or not as before. */
  readonly isWhole: boolean;
  readonly rules: Map<string, AssignedRule>;
  /** Exporters whose rules go, by exporterKey(); none when it is whole. */
  readonly deleted: ReadonlyMap<string, Exporter>;
  readonly defaults: AssignedOutputs;
  /** Number of the assignment in force when this one was made, and the one of this. */
  readonly base: number;
  readonly number: number;
  /** The index of each pipeline that all rules name then. */
  readonly pipelines: ReadonlyMap<string, number>;
  /** Those, and the ones of the rules in force. */
  readonly allPipelines: ReadonlyMap<string, number>;
  /** What the rules in force do not use. */
  readonly taken: Numbers;
  /** What the rules in force use and these do not: used again when these are in force everywhere. */
  readonly released: Numbers;
}

const NO_DEFAULTS: AssignedOutputs = {
  outputs: [],
  slots: { input: MISMATCHED_SLOT, outputs: [] },
};

export interface SlotOptions {
  readonly slots: number;
  readonly states: number;
  /** Set to zero what is about to be used; nobody writes to it then. */
  readonly clearSlot: (slot: number) => void;
  /** @param hasLeftOut an output with this state may have left out packets: what was counted is set to zero too */
  readonly clearState: (state: number, hasLeftOut: boolean) => void;
}

/** Hands out slots and states. One assignment at a time is between assign() and commit() or discard(). */
export class SlotAllocator {
  readonly #slots: NumberPool;
  readonly #states: NumberPool;
  #rules: Map<string, AssignedRule> = new Map();
  #defaults: AssignedOutputs = NO_DEFAULTS;
  /** The index of each pipeline that the rules in force name. */
  #pipelines: ReadonlyMap<string, number> = new Map();
  /** What another process gave out, until the first rules are in force here. */
  #adopted: Identities | undefined;
  #inForce = 0;
  #made = 0;
  /** States of outputs that leave out packets, or did: memory of the others was never written. */
  readonly #leftOut = new Set<number>();
  /** So may have all below this one. */
  #leftOutBelow = 0;

  constructor(options: SlotOptions) {
    const room = 'counters of these rules';
    this.#slots = new NumberPool(room, FIRST_FREE_SLOT, options.slots, options.clearSlot);
    const balancing = 'balancing of these rules';
    const clear = (state: number) => {
      const hasLeftOut = this.#leftOut.delete(state) || state < this.#leftOutBelow;
      options.clearState(state, hasLeftOut);
    };
    this.#states = new NumberPool(balancing, FIRST_FREE_STATE, options.states, clear);
  }

  /** All states that outputs have are below this. */
  get statesEnd(): number {
    return this.#states.end;
  }

  /**
   * Goes on with what another process gave out, by which packets are counted meanwhile.
   *
   * @throws RangeError for numbers that cannot be; then nothing was adopted
   */
  adopt(identities: Identities): void {
    checkPipelines(identities.pipelines);
    this.#slots.adopt(identities.slots());
    this.#states.adopt(identities.states());
    for (const state of identities.states()) {
      if (state >= this.#leftOutBelow) this.#leftOutBelow = state + 1;
    }
    this.#pipelines = identities.pipelines;
    this.#adopted = identities;
  }

  /**
   * Lets the process do other things in between.
   *
   * @param edit what makes the rule set of the one in force; without it all of it is assigned
   * @throws FloxyError LIMIT_EXCEEDED, with nothing taken
   */
  async assign(ruleSet: RuleSet, edit?: RuleEdit): Promise<SlotAssignment> {
    const work = new Assigning(this.#slots, this.#states);
    try {
      const { pipelines, allPipelines } = assignPipelines(ruleSet, this.#pipelines);
      const isWhole = edit === undefined || this.#adopted !== undefined;
      const changes = isWhole
        ? await this.#assignAll(ruleSet, work)
        : await this.#assignEdit(edit, work);
      this.#made++;
      const { taken, released, leavingOut } = work;
      for (const state of leavingOut) this.#leftOut.add(state);
      const numbers = { base: this.#inForce, number: this.#made, taken, released };
      return { ...changes, isWhole, pipelines, allPipelines, ...numbers };
    } catch (error) {
      this.#giveBack(work.taken);
      throw error;
    }
  }

  /** The assignment is in force everywhere: what it released can be used again. */
  commit(assignment: SlotAssignment): void {
    // It is nobody else's any more: a copy would cost as much as the rules.
    if (assignment.isWhole) this.#rules = assignment.rules;
    else {
      for (const key of assignment.deleted.keys()) this.#rules.delete(key);
      for (const [key, rule] of assignment.rules) this.#rules.set(key, rule);
    }
    this.#defaults = assignment.defaults;
    this.#pipelines = assignment.pipelines;
    this.#inForce = assignment.number;
    this.#adopted = undefined;
    this.#giveBack(assignment.released);
  }

  discard(assignment: SlotAssignment): void {
    this.#giveBack(assignment.taken);
  }

  /** All rules of an assignment that is in force, or is the next one to be. */
  *rulesOf(assignment: SlotAssignment): Iterable<AssignedRule> {
    yield* assignment.rules.values();
    if (assignment.isWhole) return;
    for (const [key, rule] of this.#rules) {
      if (!assignment.rules.has(key) && !assignment.deleted.has(key)) yield rule;
    }
  }

  /** How many rules are in force. */
  get size(): number {
    return this.#rules.size;
  }

  /** Slots of the rules in force. */
  rule(exporter: Exporter): RuleSlots | undefined {
    return this.#rules.get(exporterKey(exporter))?.slots;
  }

  /** The index of each pipeline that the rules in force name. */
  get pipelines(): ReadonlyMap<string, number> {
    return this.#pipelines;
  }

  get defaults(): RuleSlots {
    return this.#defaults.slots;
  }

  async #assignAll({ rules, defaultOutputs }: RuleSet, work: Assigning) {
    const assigned = new Map<string, AssignedRule>();
    const turn = new Turn();
    for (const rule of rules) {
      if (turn.isOver) await turn.next();
      const key = exporterKey(rule.exporter);
      assigned.set(key, this.#assignRule(key, rule, work));
    }
    for (const [key, old] of this.#known()) {
      if (turn.isOver) await turn.next();
      if (!assigned.has(key)) work.release(old.slots);
    }
    const defaults = work.outputs(defaultOutputs, this.#knownDefaults(), MISMATCHED_SLOT);
    if (this.#adopted !== undefined) work.releaseNumbers(this.#adopted.limbo);
    return { rules: assigned, deleted: new Map<string, Exporter>(), defaults };
  }

  async #assignEdit(edit: RuleEdit, work: Assigning) {
    const assigned = new Map<string, AssignedRule>();
    const turn = new Turn();
    for (const rule of edit.upserts) {
      if (turn.isOver) await turn.next();
      const key = exporterKey(rule.exporter);
      const made = this.#assignRule(key, rule, work);
      if (made !== this.#rules.get(key)) assigned.set(key, made);
    }
    const deleted = new Map<string, Exporter>();
    const upserted = new Set(edit.upserts.map(({ exporter }) => exporterKey(exporter)));
    for (const exporter of edit.deleted) {
      const key = exporterKey(exporter);
      const old = this.#rules.get(key);
      if (old === undefined || upserted.has(key) || deleted.has(key)) continue;
      deleted.set(key, exporter);
      work.release(old.slots);
    }
    const defaults =
      edit.defaultOutputs === undefined
        ? this.#defaults
        : work.outputs(edit.defaultOutputs, this.#defaults, MISMATCHED_SLOT);
    return { rules: assigned, deleted, defaults };
  }

  #assignRule(key: string, { exporter, outputs }: Rule, work: Assigning): AssignedRule {
    const own = this.#rules.get(key);
    if (own?.outputs === outputs) return own;
    const old = own ?? this.#adopted?.rules.get(key);
    const input = old?.slots.input ?? work.takeSlot();
    return { exporter, ...work.outputs(outputs, old, input) };
  }

  #known(): ReadonlyMap<string, { readonly slots: RuleSlots }> {
    return this.#adopted?.rules ?? this.#rules;
  }

  #knownDefaults(): AssignedOutputs | IdentifiedRule {
    return this.#adopted?.defaults ?? this.#defaults;
  }

  #giveBack({ slots, states }: Numbers): void {
    this.#slots.release(slots);
    this.#states.release(states);
  }
}
