/**
 * Which identity has which counter slots and states, in a form that outlives control: its successor goes on
 * counting where it left off, whatever has become of tables. A log of lines, each a JSON array; what comes
 * later holds:
 *
 * ```
 * ["exporter", input, [[state, "collector", slot, ...], ...]]   a rule, by exporterKey() and targetKeys()
 * ["", input, [...]]                                            the default outputs
 * ["exporter"]                                                  there is no such rule any more
 * [null, [slot, ...], [state, ...]]    used by no rule of the log, but perhaps by packets on their way
 * [false, "pipeline", index, ...]      all indexes of pipelines that are in use; none when there is no such line
 * [true, "watch", ...]                 collectors that are down, by watchKey(); none when there is no such line
 * ```
 *
 * Whoever changes a meaning raises IDENTITIES_LAYOUT.
 */
import { Turn } from '../base/turn.ts';
import type { Output } from '../model/rules.ts';
import {
  type AssignedOutputs,
  collectorKeys,
  MISMATCHED_SLOT,
  type Numbers,
  type OutputSlots,
  type RuleSlots,
} from './assigned.ts';

export const IDENTITIES_LAYOUT = 1;

const DEFAULTS = '';

/** A rule of which only identities are known. */
export interface IdentifiedRule {
  /** Collectors by output. */
  readonly keys: readonly (readonly string[])[];
  readonly slots: RuleSlots;
}

/** Writes lines of rules. It remembers outputs: many rules have the same. */
export class IdentityWriter {
  readonly #quotedKeys = new Map<readonly Output[], readonly (readonly string[])[]>();

  /** @param key of the exporter; none for the default outputs */
  ruleLine({ outputs, slots }: AssignedOutputs, key: string = DEFAULTS): string {
    let places = '';
    for (const [output, keys] of this.#quoted(outputs).entries()) {
      const { state, collectors } = slots.outputs[output] as OutputSlots;
      let place = String(state);
      for (const [i, name] of keys.entries()) place += `,${name},${collectors[i]}`;
      places += output === 0 ? `[${place}]` : `,[${place}]`;
    }
    return `[${JSON.stringify(key)},${slots.input},[${places}]]\n`;
  }

  #quoted(outputs: readonly Output[]): readonly (readonly string[])[] {
    let quoted = this.#quotedKeys.get(outputs);
    if (quoted === undefined) {
      quoted = collectorKeys(outputs).map((keys) => keys.map((key) => JSON.stringify(key)));
      this.#quotedKeys.set(outputs, quoted);
    }
    return quoted;
  }
}

export function deletedLine(key: string): string {
  return `${JSON.stringify([key])}\n`;
}

export function limboLine({ slots, states }: Numbers): string {
  return `${JSON.stringify([null, slots, states])}\n`;
}

export function pipelinesLine(pipelines: ReadonlyMap<string, number>): string {
  return `${JSON.stringify([false, ...[...pipelines].flat()])}\n`;
}

export function downLine(down: ReadonlySet<string>): string {
  return `${JSON.stringify([true, ...down])}\n`;
}

/** All that a log says. */
export class Identities {
  readonly rules = new Map<string, IdentifiedRule>();
  defaults: IdentifiedRule | undefined;
  limbo: Numbers = { slots: [], states: [] };
  pipelines: ReadonlyMap<string, number> = new Map();
  down: ReadonlySet<string> = new Set();

  /** Lets the process do other things in between. @throws SyntaxError or TypeError for what is no log */
  static async read(log: string): Promise<Identities> {
    const identities = new Identities();
    const turn = new Turn();
    let from = 0;
    for (let end = log.indexOf('\n'); end >= 0; end = log.indexOf('\n', from)) {
      if (turn.isOver) await turn.next();
      identities.#take(JSON.parse(log.slice(from, end)));
      from = end + 1;
    }
    return identities;
  }

  /** All in use, but for that of the default outputs' input. */
  *slots(): Iterable<number> {
    for (const { slots } of this.rules.values()) yield slots.input;
    for (const { slots } of this.#all()) {
      for (const { collectors } of slots.outputs) yield* collectors;
    }
    yield* this.limbo.slots;
  }

  *states(): Iterable<number> {
    for (const { slots } of this.#all()) for (const { state } of slots.outputs) yield state;
    yield* this.limbo.states;
  }

  *#all(): Iterable<IdentifiedRule> {
    yield* this.rules.values();
    if (this.defaults !== undefined) yield this.defaults;
  }

  #take(line: unknown): void {
    if (!Array.isArray(line)) throw new TypeError('a line of identities is no array');
    const [key, first, rest] = line;
    if (key === true) this.down = new Set(line.slice(1).map(text));
    else if (key === false) this.pipelines = readPipelines(line.slice(1));
    else if (key === null) this.limbo = { slots: numbers(first), states: numbers(rest) };
    else if (line.length === 1) this.rules.delete(text(key));
    else if (key === DEFAULTS) this.defaults = readRule(MISMATCHED_SLOT, rest);
    else this.rules.set(text(key), readRule(first, rest));
  }
}

function readRule(input: unknown, places: unknown): IdentifiedRule {
  const keys: string[][] = [];
  const outputs = list(places).map((place) => {
    const [state, ...collectors] = list(place);
    keys.push(collectors.filter((_, i) => i % 2 === 0).map(text));
    return { state: number(state), collectors: numbers(collectors.filter((_, i) => i % 2 === 1)) };
  });
  return { keys, slots: { input: number(input), outputs } };
}

function readPipelines(words: readonly unknown[]): ReadonlyMap<string, number> {
  const pairs = words.flatMap((word, i) =>
    i % 2 === 0 ? [[text(word), number(words[i + 1])] as const] : [],
  );
  return new Map(pairs);
}

function list(value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  throw new TypeError('a line of identities lacks a list');
}

function numbers(value: unknown): number[] {
  return list(value).map(number);
}

function number(value: unknown): number {
  if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number;
  throw new TypeError('a line of identities lacks a number');
}

function text(value: unknown): string {
  if (typeof value === 'string') return value;
  throw new TypeError('a line of identities lacks a name');
}
