/** Compiles a rule set into the forwarding table. Pure. Layout: table/forwarding-table.ts. */
import { endianness } from 'node:os';
import { Turn } from '../base/turn.ts';
import { mappedOctets } from '../model/address.ts';
import { type Endpoint, isIpv6 } from '../model/endpoint.ts';
import type { Collector, Output, Rule, RuleSet } from '../model/rules.ts';
import {
  COLLECTOR_FLAG_LISTEN_PORT,
  COLLECTOR_WORDS,
  HEADER,
  HEADER_WORDS,
  hashEndpoint,
  OUTPUT_WORDS,
  RULE,
  RULE_PRESENT,
  RULE_WORDS,
  TABLE_MAGIC,
} from './forwarding-table.ts';

/** Where one output keeps its state: the rotation, and the counters of its collectors in their order. */
export interface OutputSlots {
  readonly rotation: number;
  readonly collectors: readonly number[];
}

/** Where one rule counts. */
export interface RuleSlots {
  readonly input: number;
  readonly outputs: readonly OutputSlots[];
}

/** Where a rule set counts; rules in the order of the set, the default's input is `mismatched`. */
export interface RuleSetSlots {
  readonly rules: readonly RuleSlots[];
  readonly defaults: RuleSlots;
}

export interface CompileOptions {
  /** Destination port of collectors without one (spec R5). */
  readonly listenPort: number;
  /** 32 random bits. */
  readonly seed: number;
}

const MIN_BUCKETS = 16;
const IS_LITTLE_ENDIAN = endianness() === 'LE';

/** Lets the process do other things in between. @returns the table, ready to be copied into shared memory */
export async function compile(
  ruleSet: RuleSet,
  slots: RuleSetSlots,
  options: CompileOptions,
): Promise<ArrayBuffer> {
  const turn = new Turn();
  const writer = new TableWriter(ruleSet, options);
  for (const [i, rule] of ruleSet.rules.entries()) {
    if (turn.isOver) await turn.next();
    writer.addRule(rule, slots.rules[i] as RuleSlots);
  }
  writer.addDefault(ruleSet.defaultOutputs, slots.defaults);
  return writer.buffer;
}

class TableWriter {
  readonly buffer: ArrayBuffer;
  readonly #words: Int32Array;
  readonly #options: CompileOptions;
  readonly #bucketMask: number;
  readonly #outputsAt: number;
  readonly #collectorsAt: number;
  readonly #defaultAt: number;
  /** Many rules have the same outputs. */
  readonly #layouts = new Map<readonly Output[], readonly OutputLayout[]>();
  #nextOutput = 0;
  #nextCollector = 0;

  constructor({ rules, defaultOutputs }: RuleSet, options: CompileOptions) {
    let outputs = defaultOutputs.length;
    let collectors = countCollectors(defaultOutputs);
    for (const rule of rules) {
      outputs += rule.outputs.length;
      collectors += countCollectors(rule.outputs);
    }
    const buckets = nextPowerOfTwo(Math.max(MIN_BUCKETS, (rules.length + 1) * 2));
    this.#bucketMask = buckets - 1;
    this.#defaultAt = HEADER_WORDS + buckets * RULE_WORDS;
    this.#outputsAt = this.#defaultAt + RULE_WORDS;
    this.#collectorsAt = this.#outputsAt + outputs * OUTPUT_WORDS;
    this.buffer = new ArrayBuffer((this.#collectorsAt + collectors * COLLECTOR_WORDS) * 4);
    this.#words = new Int32Array(this.buffer);
    this.#options = options;
    this.#words[HEADER.MAGIC] = TABLE_MAGIC;
    this.#words[HEADER.SEED] = options.seed;
    this.#words[HEADER.BUCKET_MASK] = this.#bucketMask;
    this.#words[HEADER.DEFAULT_RULE] = this.#defaultAt;
    this.#words[HEADER.OUTPUTS] = this.#outputsAt;
    this.#words[HEADER.COLLECTORS] = this.#collectorsAt;
    this.#words[HEADER.COLLECTOR_COUNT] = collectors;
  }

  addRule({ exporter, outputs }: Rule, slots: RuleSlots): void {
    const words = this.#words;
    const { endpoint } = exporter;
    const [a0, a1, a2, a3] = addressWords(endpoint);
    let bucket = hashEndpoint(this.#options.seed, a0, a1, a2, a3, endpoint.port);
    let at: number;
    do {
      bucket &= this.#bucketMask;
      at = HEADER_WORDS + bucket * RULE_WORDS;
      bucket++;
    } while (words[at + RULE.PORT] !== 0);
    words[at + RULE.ADDRESS] = a0;
    words[at + RULE.ADDRESS + 1] = a1;
    words[at + RULE.ADDRESS + 2] = a2;
    words[at + RULE.ADDRESS + 3] = a3;
    words[at + RULE.PORT] = endpoint.port | RULE_PRESENT;
    words[endpoint.port === 0 ? HEADER.HAS_ADDRESS_RULES : HEADER.HAS_PORT_RULES] = 1;
    this.#addOutputs(at, outputs, slots);
  }

  addDefault(outputs: readonly Output[], slots: RuleSlots): void {
    this.#addOutputs(this.#defaultAt, outputs, slots);
  }

  #addOutputs(rule: number, outputs: readonly Output[], slots: RuleSlots): void {
    const words = this.#words;
    words[rule + RULE.INPUT_SLOT] = slots.input;
    words[rule + RULE.FIRST_OUTPUT] = this.#nextOutput;
    words[rule + RULE.OUTPUTS] = outputs.length;
    let layouts = this.#layouts.get(outputs);
    if (layouts === undefined) {
      layouts = outputs.map((output) => layOut(output, this.#options.listenPort));
      this.#layouts.set(outputs, layouts);
    }
    for (const [i, layout] of layouts.entries()) {
      this.#addOutput(layout, slots.outputs[i] as OutputSlots);
    }
  }

  #addOutput({ collectors, order, ipv6 }: OutputLayout, slots: OutputSlots): void {
    const words = this.#words;
    const first = this.#nextCollector;
    const from = this.#collectorsAt + first * COLLECTOR_WORDS;
    words.set(collectors, from);
    for (const [i, collector] of order.entries()) {
      words[from + i * COLLECTOR_WORDS + 5] = slots.collectors[collector] as number;
    }
    const at = this.#outputsAt + this.#nextOutput * OUTPUT_WORDS;
    words[at] = first;
    words[at + 1] = order.length;
    words[at + 2] = ipv6;
    words[at + 3] = slots.rotation;
    this.#nextCollector += order.length;
    this.#nextOutput++;
  }
}

/** An output as the table holds it, but for its slots. */
interface OutputLayout {
  /** COLLECTOR_WORDS each. */
  readonly collectors: Int32Array;
  /** Which collector of the output each of them is. */
  readonly order: readonly number[];
  /** How many are IPv6; they come first. */
  readonly ipv6: number;
}

function layOut({ collectors }: Output, listenPort: number): OutputLayout {
  const indexes = collectors.map((_, i) => i);
  const isOfIpv6 = (i: number) => isIpv6((collectors[i] as Collector).endpoint);
  const ipv6 = indexes.filter(isOfIpv6);
  const order = [...ipv6, ...indexes.filter((i) => !isOfIpv6(i))];
  const bytes = new Uint8Array(order.length * COLLECTOR_WORDS * 4);
  for (const [place, index] of order.entries()) {
    const { endpoint } = collectors[index] as Collector;
    const at = place * COLLECTOR_WORDS * 4;
    const port = endpoint.port === 0 ? listenPort : endpoint.port;
    bytes.set(mappedOctets(endpoint.octets), at);
    bytes[at + 16] = port >> 8;
    bytes[at + 17] = port & 0xff;
    bytes[at + 18] = isIpv6(endpoint) ? 6 : 4;
    bytes[at + 19] = endpoint.port === 0 ? COLLECTOR_FLAG_LISTEN_PORT : 0;
  }
  return { collectors: new Int32Array(bytes.buffer), order, ipv6: ipv6.length };
}

/** The 16-byte form of an address as four words in host order, as packet I/O shows it. */
export function addressWords(endpoint: Endpoint): [number, number, number, number] {
  const octets = mappedOctets(endpoint.octets);
  const view = new DataView(octets.buffer, octets.byteOffset, 16);
  const word = (index: number) => view.getInt32(index * 4, IS_LITTLE_ENDIAN);
  return [word(0), word(1), word(2), word(3)];
}

function countCollectors(outputs: readonly Output[]): number {
  return outputs.reduce((sum, output) => sum + output.collectors.length, 0);
}

function nextPowerOfTwo(value: number): number {
  return 2 ** Math.ceil(Math.log2(value));
}
