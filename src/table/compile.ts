/** Compiles a rule set into the forwarding table. Pure. Layout: native/include/table.h. */
import { endianness } from 'node:os';
import { Turn } from '../base/turn.ts';
import { mappedOctets } from '../model/address.ts';
import { type Endpoint, isIpv6 } from '../model/endpoint.ts';
import type { Collector, Output, Rule, RuleSet } from '../model/rules.ts';
import { hashEndpoint } from './forwarding-table.ts';
import { COLLECTOR, HEADER, OUTPUT, RULE, TABLE } from './layout.ts';

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
    this.#defaultAt = HEADER.WORDS + buckets * RULE.WORDS;
    this.#outputsAt = this.#defaultAt + RULE.WORDS;
    this.#collectorsAt = this.#outputsAt + outputs * OUTPUT.WORDS;
    this.buffer = new ArrayBuffer((this.#collectorsAt + collectors * COLLECTOR.WORDS) * 4);
    this.#words = new Int32Array(this.buffer);
    this.#options = options;
    this.#words[HEADER.MAGIC] = TABLE.MAGIC;
    this.#words[HEADER.LAYOUT] = TABLE.LAYOUT;
    this.#words[HEADER.KEY] = options.seed;
    this.#words[HEADER.RULE_COUNT] = rules.length;
    this.#words[HEADER.BUCKET_MASK] = this.#bucketMask;
    this.#words[HEADER.DEFAULT_RULE] = this.#defaultAt;
    this.#words[HEADER.OUTPUTS] = this.#outputsAt;
    this.#words[HEADER.COLLECTORS] = this.#collectorsAt;
    this.#words[HEADER.OUTPUT_COUNT] = outputs;
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
      at = HEADER.WORDS + bucket * RULE.WORDS;
      bucket++;
    } while (words[at + RULE.PORT] !== 0);
    words[at + RULE.ADDRESS] = a0;
    words[at + RULE.ADDRESS + 1] = a1;
    words[at + RULE.ADDRESS + 2] = a2;
    words[at + RULE.ADDRESS + 3] = a3;
    words[at + RULE.PORT] = endpoint.port | TABLE.RULE_PRESENT;
    const kind = endpoint.port === 0 ? TABLE.HAS_ADDRESS_RULES : TABLE.HAS_PORT_RULES;
    words[HEADER.FLAGS] = (words[HEADER.FLAGS] as number) | kind;
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
    const from = this.#collectorsAt + first * COLLECTOR.WORDS;
    words.set(collectors, from);
    for (const [i, collector] of order.entries()) {
      words[from + i * COLLECTOR.WORDS + COLLECTOR.OUTPUT_SLOT] = slots.collectors[
        collector
      ] as number;
    }
    const at = this.#outputsAt + this.#nextOutput * OUTPUT.WORDS;
    words[at + OUTPUT.FIRST_COLLECTOR] = first;
    words[at + OUTPUT.COLLECTORS] = order.length;
    words[at + OUTPUT.IPV6_COLLECTORS] = ipv6;
    words[at + OUTPUT.STATE] = slots.rotation;
    this.#nextCollector += order.length;
    this.#nextOutput++;
  }
}

/** An output as the table holds it, but for its slots. */
interface OutputLayout {
  /** COLLECTOR.WORDS each. */
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
  const bytes = new Uint8Array(order.length * COLLECTOR.SIZE);
  for (const [place, index] of order.entries()) {
    const { endpoint } = collectors[index] as Collector;
    const at = place * COLLECTOR.SIZE;
    const port = endpoint.port === 0 ? listenPort : endpoint.port;
    bytes.set(mappedOctets(endpoint.octets), at);
    bytes[at + COLLECTOR.PORT_BYTE] = port >> 8;
    bytes[at + COLLECTOR.PORT_BYTE + 1] = port & 0xff;
    bytes[at + COLLECTOR.FAMILY_BYTE] = isIpv6(endpoint) ? 6 : 4;
  }
  const words = new Int32Array(bytes.buffer);
  for (const [place, index] of order.entries()) {
    if (collectors[index]?.endpoint.port !== 0) continue;
    words[place * COLLECTOR.WORDS + COLLECTOR.FLAGS] = TABLE.COLLECTOR_LISTEN_PORT;
  }
  return { collectors: words, order, ipv6: ipv6.length };
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
