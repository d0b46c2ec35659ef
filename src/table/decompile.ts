/**
 * Reads back what a compiled forwarding table counts where. The collectors of an output come in the order
 * of the table, IPv6 first. Pure. Layout: table/forwarding-table.ts.
 */
import { canonicalOctets } from '../model/address.ts';
import { type Endpoint, makeEndpoint } from '../model/endpoint.ts';
import { type Collector, type Exporter, makeCollector, type Output } from '../model/rules.ts';
import type { OutputSlots, RuleSlots } from './compile.ts';
import {
  COLLECTOR_FLAG_LISTEN_PORT,
  COLLECTOR_WORDS,
  type ForwardingTable,
  HEADER_WORDS,
  OUTPUT_WORDS,
  RULE,
  RULE_PRESENT,
  RULE_WORDS,
} from './forwarding-table.ts';

/** A rule, or the default outputs, with its slots. */
export interface DecompiledRule {
  readonly outputs: readonly Output[];
  readonly slots: RuleSlots;
}

export interface DecompiledTable {
  readonly rules: readonly (DecompiledRule & { readonly exporter: Exporter })[];
  readonly defaults: DecompiledRule;
}

export function decompile(table: ForwardingTable): DecompiledTable {
  const { words, defaultRule } = table;
  const bytes = new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
  const rules: (DecompiledRule & { exporter: Exporter })[] = [];
  for (let rule = HEADER_WORDS; rule < defaultRule; rule += RULE_WORDS) {
    const port = words[rule + RULE.PORT] as number;
    if (port === 0) continue;
    const exporter = { endpoint: readEndpoint(bytes, rule * 4, port & ~RULE_PRESENT) };
    rules.push({ exporter, ...readRule(table, bytes, rule) });
  }
  return { rules, defaults: readRule(table, bytes, defaultRule) };
}

function readRule(table: ForwardingTable, bytes: Uint8Array, rule: number): DecompiledRule {
  const { words } = table;
  const first = words[rule + RULE.FIRST_OUTPUT] as number;
  const outputs: Output[] = [];
  const slots: OutputSlots[] = [];
  for (let i = first; i < first + (words[rule + RULE.OUTPUTS] as number); i++) {
    const { collectors, collectorSlots, rotation } = readOutput(table, bytes, i);
    outputs.push({ collectors });
    slots.push({ rotation, collectors: collectorSlots });
  }
  return { outputs, slots: { input: words[rule + RULE.INPUT_SLOT] as number, outputs: slots } };
}

function readOutput(table: ForwardingTable, bytes: Uint8Array, output: number) {
  const { words, outputsAt, collectorsAtBytes } = table;
  const at = outputsAt + output * OUTPUT_WORDS;
  const collectors: Collector[] = [];
  const collectorSlots: number[] = [];
  const first = words[at] as number;
  for (let i = first; i < first + (words[at + 1] as number); i++) {
    const from = collectorsAtBytes + i * COLLECTOR_WORDS * 4;
    const port = ((bytes[from + 16] as number) << 8) | (bytes[from + 17] as number);
    const hasPort = bytes[from + 19] !== COLLECTOR_FLAG_LISTEN_PORT;
    collectors.push(makeCollector(readEndpoint(bytes, from, hasPort ? port : 0)));
    collectorSlots.push(words[from / 4 + 5] as number);
  }
  return { collectors, collectorSlots, rotation: words[at + 3] as number };
}

function readEndpoint(bytes: Uint8Array, from: number, port: number): Endpoint {
  return makeEndpoint(canonicalOctets(bytes.slice(from, from + 16)), port);
}
