/** Compiles a rule set into the forwarding table. Pure. Layout: rules/forwarding-table.ts. */
import { endianness } from 'node:os';
import { mappedOctets } from '../model/address.ts';
import { type Endpoint, isIpv6 } from '../model/endpoint.ts';
import type { Output, Rule, RuleSet } from '../model/rules.ts';
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

/** @returns the table, ready to be copied into shared memory */
export function compile(
  ruleSet: RuleSet,
  slots: RuleSetSlots,
  options: CompileOptions,
): ArrayBuffer {
  const allOutputs = [...ruleSet.rules.map((rule) => rule.outputs), ruleSet.defaultOutputs];
  const writer = new TableWriter(allOutputs, options);
  ruleSet.rules.forEach((rule, i) => {
    writer.addRule(rule, slots.rules[i] as RuleSlots);
  });
  writer.addDefault(ruleSet.defaultOutputs, slots.defaults);
  return writer.buffer;
}

class TableWriter {
  readonly buffer: ArrayBuffer;
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #options: CompileOptions;
  readonly #bucketMask: number;
  readonly #outputsAt: number;
  readonly #collectorsAt: number;
  readonly #defaultAt: number;
  #nextOutput = 0;
  #nextCollector = 0;

  /** @param rules the outputs of every rule, the default last */
  constructor(rules: readonly (readonly Output[])[], options: CompileOptions) {
    const outputs = rules.reduce((sum, rule) => sum + rule.length, 0);
    const collectors = rules.reduce((sum, rule) => sum + countCollectors(rule), 0);
    const buckets = nextPowerOfTwo(Math.max(MIN_BUCKETS, rules.length * 2));
    this.#bucketMask = buckets - 1;
    this.#defaultAt = HEADER_WORDS + buckets * RULE_WORDS;
    this.#outputsAt = this.#defaultAt + RULE_WORDS;
    this.#collectorsAt = this.#outputsAt + outputs * OUTPUT_WORDS;
    this.buffer = new ArrayBuffer((this.#collectorsAt + collectors * COLLECTOR_WORDS) * 4);
    this.#words = new Int32Array(this.buffer);
    this.#bytes = new Uint8Array(this.buffer);
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
    const [a0, a1, a2, a3] = addressWords(exporter);
    let bucket = hashEndpoint(this.#options.seed, a0, a1, a2, a3, exporter.port);
    let at: number;
    do {
      bucket &= this.#bucketMask;
      at = HEADER_WORDS + bucket * RULE_WORDS;
      bucket++;
    } while (words[at + RULE.PORT] !== 0);
    words.set([a0, a1, a2, a3, exporter.port | RULE_PRESENT], at);
    words[exporter.port === 0 ? HEADER.HAS_ADDRESS_RULES : HEADER.HAS_PORT_RULES] = 1;
    this.#addOutputs(at, outputs, slots);
  }

  addDefault(outputs: readonly Output[], slots: RuleSlots): void {
    this.#addOutputs(this.#defaultAt, outputs, slots);
  }

  #addOutputs(rule: number, outputs: readonly Output[], slots: RuleSlots): void {
    this.#words.set([slots.input, this.#nextOutput, outputs.length], rule + RULE.INPUT_SLOT);
    outputs.forEach((output, i) => {
      this.#addOutput(output, slots.outputs[i] as OutputSlots);
    });
  }

  #addOutput({ collectors }: Output, slots: OutputSlots): void {
    const first = this.#nextCollector;
    const order = collectors.map((collector, i) => ({ collector, slot: slots.collectors[i] ?? 0 }));
    const ipv6 = order.filter(({ collector }) => isIpv6(collector));
    const ipv4 = order.filter(({ collector }) => !isIpv6(collector));
    for (const { collector, slot } of [...ipv6, ...ipv4]) this.#addCollector(collector, slot);
    const at = this.#outputsAt + this.#nextOutput * OUTPUT_WORDS;
    this.#words.set([first, order.length, ipv6.length, slots.rotation], at);
    this.#nextOutput++;
  }

  #addCollector(collector: Endpoint, slot: number): void {
    const at = this.#collectorsAt + this.#nextCollector * COLLECTOR_WORDS;
    const port = collector.port === 0 ? this.#options.listenPort : collector.port;
    this.#bytes.set(mappedOctets(collector.octets), at * 4);
    this.#bytes[at * 4 + 16] = port >> 8;
    this.#bytes[at * 4 + 17] = port & 0xff;
    this.#bytes[at * 4 + 18] = isIpv6(collector) ? 6 : 4;
    this.#bytes[at * 4 + 19] = collector.port === 0 ? COLLECTOR_FLAG_LISTEN_PORT : 0;
    this.#words[at + 5] = slot;
    this.#nextCollector++;
  }
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
