import { leavesOut, type Output, targetKeys } from '../model/rules.ts';
import {
  type AssignedOutputs,
  collectorKeys,
  type Numbers,
  type OutputSlots,
  type RuleSlots,
} from './assigned.ts';
import type { IdentifiedRule } from './identities.ts';
import type { NumberPool } from './number-pool.ts';

/** A collector of an output, or the output itself as collector -1. */
interface Identity {
  readonly name: string;
  readonly output: number;
  readonly collector: number;
}

/** One assignment while it is made: matches old and new outputs by identity. */
export class Assigning {
  readonly taken = { slots: [] as number[], states: [] as number[] };
  readonly released = { slots: [] as number[], states: [] as number[] };
  /** States of outputs that do not take all packets. */
  readonly leavingOut: number[] = [];
  readonly #slots: NumberPool;
  readonly #states: NumberPool;
  /** Many rules have the same outputs. */
  readonly #keys = new Map<readonly Output[], readonly (readonly string[])[]>();

  constructor(slots: NumberPool, states: NumberPool) {
    this.#slots = slots;
    this.#states = states;
  }

  takeSlot(): number {
    const slot = this.#slots.take();
    this.taken.slots.push(slot);
    return slot;
  }

  #takeState(): number {
    const state = this.#states.take();
    this.taken.states.push(state);
    return state;
  }

  release({ input, outputs }: RuleSlots): void {
    this.released.slots.push(input);
    for (const { state, collectors } of outputs) {
      this.released.states.push(state);
      this.released.slots.push(...collectors);
    }
  }

  releaseNumbers({ slots, states }: Numbers): void {
    for (const slot of slots) this.released.slots.push(slot);
    for (const state of states) this.released.states.push(state);
  }

  outputs(
    outputs: readonly Output[],
    old: AssignedOutputs | IdentifiedRule | undefined,
    input: number,
  ): AssignedOutputs {
    const assigned = this.#match(outputs, old, input);
    for (const [i, { state }] of assigned.slots.outputs.entries()) {
      if (leavesOut(outputs[i] as Output)) this.leavingOut.push(state);
    }
    return assigned;
  }

  #match(
    outputs: readonly Output[],
    old: AssignedOutputs | IdentifiedRule | undefined,
    input: number,
  ): AssignedOutputs {
    if (old === undefined) {
      return { outputs, slots: { input, outputs: outputs.map((output) => this.#new(output)) } };
    }
    const oldKeys = 'keys' in old ? old.keys : this.#keysOf(old.outputs);
    if (areSame(this.#keysOf(outputs), oldKeys)) return { outputs, slots: old.slots };
    const before = identify(oldKeys);
    const kept = new Map<string, number>();
    for (const { name, output, collector } of before) {
      const slots = old.slots.outputs[output];
      const number = collector < 0 ? slots?.state : slots?.collectors[collector];
      if (number !== undefined) kept.set(name, number);
    }
    const slots = { input, outputs: this.#assign(outputs, kept) };
    for (const { name, collector } of before) {
      const number = kept.get(name);
      if (number === undefined) continue;
      (collector < 0 ? this.released.states : this.released.slots).push(number);
    }
    return { outputs, slots };
  }

  /** Of an output of which nothing was there before. */
  #new(output: Output): OutputSlots {
    return { state: this.#takeState(), collectors: targetKeys(output).map(() => this.takeSlot()) };
  }

  /** @param kept what was there before by name; what is used is taken out */
  #assign(outputs: readonly Output[], kept: Map<string, number>): OutputSlots[] {
    const assigned = outputs.map(() => ({ state: 0, collectors: [] as number[] }));
    for (const { name, output, collector } of identify(this.#keysOf(outputs))) {
      const slots = assigned[output] as { state: number; collectors: number[] };
      const old = kept.get(name);
      kept.delete(name);
      if (collector < 0) slots.state = old ?? this.#takeState();
      else slots.collectors[collector] = old ?? this.takeSlot();
    }
    return assigned;
  }

  #keysOf(outputs: readonly Output[]): readonly (readonly string[])[] {
    let keys = this.#keys.get(outputs);
    if (keys === undefined) {
      keys = collectorKeys(outputs);
      this.#keys.set(outputs, keys);
    }
    return keys;
  }
}

/** Each collector, and each output itself, with a name that no other of the rule has. */
function identify(keys: readonly (readonly string[])[]): Identity[] {
  const occurrences = new Map<string, number>();
  const numbered = (name: string) => {
    const occurrence = occurrences.get(name) ?? 0;
    occurrences.set(name, occurrence + 1);
    return `${name}#${occurrence}`;
  };
  return keys.flatMap((names, output) => {
    const identities = names.map((name, collector) => ({
      name: numbered(name),
      output,
      collector,
    }));
    const name = numbered(`output ${[...names].sort().join(' ')}`);
    return [...identities, { name, output, collector: -1 }];
  });
}

function areSame(
  some: readonly (readonly string[])[],
  others: readonly (readonly string[])[],
): boolean {
  const isSameOutput = (keys: readonly string[], other: readonly string[] | undefined) =>
    keys.length === other?.length && keys.every((key, i) => key === other[i]);
  return (
    some === others ||
    (some.length === others.length && some.every((keys, i) => isSameOutput(keys, others[i])))
  );
}
