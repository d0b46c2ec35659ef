/**
 * Reads back what a compiled forwarding table counts where. The collectors of an output come in the order
 * of the table, IPv6 first. Pure. Layout: native/include/table.h.
 */
import assert from 'node:assert/strict';
import { canonicalOctets } from '../../src/model/address.ts';
import { type Endpoint, isIpv6, makeEndpoint } from '../../src/model/endpoint.ts';
import { FLOW_PROTOCOLS } from '../../src/model/flow-protocol.ts';
import {
  type Collector,
  type CollectorOutput,
  type Exporter,
  type Filter,
  makeCollector,
  type Output,
  type PipelineOutput,
} from '../../src/model/rules.ts';
import type { OutputSlots, RuleSlots } from '../../src/table/assigned.ts';
import type { ForwardingTable } from '../../src/table/forwarding-table.ts';

import {
  COLLECTOR,
  FILTER,
  HEADER,
  LEAVE,
  OUTPUT,
  PREFIX,
  RULE,
  TABLE,
} from '../../src/table/layout.ts';

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
  const add = (rule: number) =>
    rules.push({ exporter: readExporter(words, bytes, rule), ...readRule(table, bytes, rule) });
  for (let rule = HEADER.WORDS; rule < defaultRule; rule += RULE.WORDS) {
    if ((words[rule + RULE.PORT] as number) !== 0) add(rule);
  }
  for (const rule of rulesOfPrefixes(words)) add(rule);
  return { rules, defaults: readRule(table, bytes, defaultRule) };
}

function readExporter(words: Int32Array, bytes: Uint8Array, rule: number): Exporter {
  const port = words[rule + RULE.PORT] as number;
  const listening = (words[rule + RULE.OUTPUTS] as number) >>> TABLE.RULE_LISTENING_SHIFT;
  const endpoint = readEndpoint(bytes, (rule + RULE.ADDRESS) * 4, port & 0xffff);
  const bits = (port >>> TABLE.RULE_PREFIX_LENGTH_SHIFT) - (isIpv6(endpoint) ? 0 : 96);
  return {
    endpoint,
    ...((port & TABLE.RULE_PREFIX) !== 0 && { prefixLength: bits }),
    ...(listening !== 0 && { listeningPort: listening }),
  };
}

/** Where they are beside their prefixes. Asserts that the trees are as struct table_prefix says. */
function* rulesOfPrefixes(words: Int32Array): Iterable<number> {
  const prefixes = words[HEADER.PREFIXES] as number;
  const rules = prefixes + (words[HEADER.PREFIX_COUNT] as number) * PREFIX.WORDS;
  const at = (node: number) => prefixes + node * PREFIX.WORDS;
  const todo = [HEADER.IPV4_PREFIX, HEADER.IPV6_PREFIX].map((root) => words[root] as number);
  const seen = new Set<number>();
  for (let node = todo.pop(); node !== undefined; node = todo.pop()) {
    if (node === 0) continue;
    assert.ok(node < (words[HEADER.PREFIX_COUNT] as number) && !seen.has(node), 'a tree');
    seen.add(node);
    const children = [0, 1].map((bit) => words[at(node) + PREFIX.CHILDREN + bit] as number);
    const ruleCount = words[at(node) + PREFIX.RULES] as number;
    assert.ok(ruleCount !== 0 || children.every((child) => child !== 0), 'each node has a meaning');
    todo.push(...children);
    if ((ruleCount & TABLE.PREFIX_RULE) !== 0) yield rules + node * RULE.WORDS;
  }
}

function readRule(table: ForwardingTable, bytes: Uint8Array, rule: number): DecompiledRule {
  const { words } = table;
  const first = words[rule + RULE.FIRST_OUTPUT] as number;
  const outputs: Output[] = [];
  const slots: OutputSlots[] = [];
  const count = (words[rule + RULE.OUTPUTS] as number) & TABLE.RULE_OUTPUTS;
  for (let i = first; i < first + count; i++) {
    const { output, collectorSlots, state } = readOutput(table, bytes, i);
    outputs.push(output);
    slots.push({ state, collectors: collectorSlots });
  }
  return { outputs, slots: { input: words[rule + RULE.INPUT_SLOT] as number, outputs: slots } };
}

function readOutput(
  table: ForwardingTable,
  bytes: Uint8Array,
  output: number,
): { output: Output; collectorSlots: number[]; state: number } {
  const { words, outputsAt, collectorsAtBytes } = table;
  const at = outputsAt + output * OUTPUT.WORDS;
  const state = words[at + OUTPUT.STATE] as number;
  const isPipeline = ((words[at + OUTPUT.FLAGS] as number) & TABLE.OUTPUT_PIPELINE) !== 0;
  const options = readOptions(table, at);
  const collectors: Collector[] = [];
  const collectorSlots: number[] = [];
  const first = words[at + OUTPUT.FIRST_COLLECTOR] as number;
  for (let i = first; i < first + (words[at + OUTPUT.COLLECTORS] as number); i++) {
    const from = collectorsAtBytes + i * COLLECTOR.SIZE;
    collectorSlots.push(words[from / 4 + COLLECTOR.OUTPUT_SLOT] as number);
    if (isPipeline) {
      const output = { ...pipelineOutput(bytes, from), ...options };
      return { output, collectorSlots, state };
    }
    const portAt = from + COLLECTOR.PORT_BYTE;
    const port = ((bytes[portAt] as number) << 8) | (bytes[portAt + 1] as number);
    const hasPort =
      ((words[from / 4 + COLLECTOR.FLAGS] as number) & TABLE.COLLECTOR_LISTEN_PORT) === 0;
    const endpoint = readEndpoint(bytes, from + COLLECTOR.ADDRESS * 4, hasPort ? port : 0);
    const leave = words[from / 4 + COLLECTOR.LEAVE] as number;
    const way = leave === 0 ? {} : readLeave(table, bytes, leave - 1);
    collectors.push({ ...makeCollector(endpoint), ...way });
  }
  return { output: { collectors, ...readBalance(words, at), ...options }, collectorSlots, state };
}

/** @param at where the row of an output begins */
function readBalance(words: Int32Array, at: number): Pick<CollectorOutput, 'balance'> {
  const flags = words[at + OUTPUT.FLAGS] as number;
  if ((flags & TABLE.OUTPUT_BY_EXPORTER) !== 0) return { balance: 'BY_EXPORTER' };
  return (flags & TABLE.OUTPUT_BY_ENDPOINT) !== 0 ? { balance: 'BY_ENDPOINT' } : {};
}

function readOptions(table: ForwardingTable, at: number): Pick<Output, 'sampleOneIn' | 'filter'> {
  const { words } = table;
  const sampleOneIn = words[at + OUTPUT.SAMPLE] as number;
  const filter = words[at + OUTPUT.FILTER] as number;
  const leavesOut = ((words[at + OUTPUT.FLAGS] as number) & TABLE.OUTPUT_LEAVES_OUT) !== 0;
  assert.equal(leavesOut, sampleOneIn !== 0 || filter !== 0);
  return {
    ...(sampleOneIn !== 0 && { sampleOneIn }),
    ...(filter !== 0 && { filter: readFilter(table, filter - 1) }),
  };
}

/** All protocols are the same as none. */
function readFilter({ words, filtersAt, filterValuesAt }: ForwardingTable, index: number): Filter {
  const at = filtersAt + index * FILTER.WORDS;
  const bits = words[at + FILTER.PROTOCOLS] as number;
  let value = filterValuesAt + (words[at + FILTER.FIRST_VALUE] as number);
  const take = (count: number) => {
    value += count;
    return [...words.subarray(value - count, value)].map((word) => word >>> 0);
  };
  const domains = take(words[at + FILTER.DOMAINS] as number);
  const ports = take(words[at + FILTER.PORTS] as number);
  const agents = Array.from({ length: words[at + FILTER.AGENTS] as number }, () => {
    const octets = Buffer.alloc(16);
    take(4).forEach((word, i) => {
      octets.writeUInt32BE(word, i * 4);
    });
    return makeEndpoint(canonicalOctets(octets), 0);
  });
  return {
    protocols: FLOW_PROTOCOLS.filter((_, protocol) => (bits & (1 << protocol)) !== 0),
    observationDomains: domains,
    listeningPorts: ports,
    agents,
  };
}

/** How copies leave, as fields of a collector. */
function readLeave({ leavesAtBytes, leaveCount }: ForwardingTable, bytes: Uint8Array, row: number) {
  assert.ok(row < leaveCount);
  const from = leavesAtBytes + row * LEAVE.SIZE;
  const [flags = 0] = new Int32Array(bytes.buffer, bytes.byteOffset + from + LEAVE.FLAGS * 4, 1);
  const prefix = bytes.slice(from + LEAVE.PREFIX * 4, from + LEAVE.PREFIX * 4 + 12);
  const portAt = from + LEAVE.SOURCE_PORT_BYTE;
  const port = ((bytes[portAt] as number) << 8) | (bytes[portAt + 1] as number);
  const source = readEndpoint(bytes, from + LEAVE.SOURCE * 4, port);
  const hopLimit = bytes[from + LEAVE.HOP_LIMIT_BYTE] as number;
  const trafficClass = bytes[from + LEAVE.TRAFFIC_CLASS_BYTE] as number;
  return {
    ...((flags & TABLE.LEAVE_PROXY) !== 0 && { source: 'PROXY' as const }),
    ...((flags & TABLE.LEAVE_SOURCE) !== 0 && { sourceEndpoint: source }),
    ...((flags & TABLE.LEAVE_PREFIX) !== 0 && { ipv4SourcePrefix: prefix }),
    ...(hopLimit !== 0 && { hopLimit }),
    ...(trafficClass !== 0 && { dscp: trafficClass / 4 }),
  };
}

/** By its index: a table knows no names. */
function pipelineOutput(bytes: Uint8Array, from: number): PipelineOutput {
  assert.equal(bytes[from + COLLECTOR.FAMILY_BYTE], 0);
  return { pipeline: `${bytes[from + COLLECTOR.PIPELINE_BYTE]}` };
}

function readEndpoint(bytes: Uint8Array, from: number, port: number): Endpoint {
  return makeEndpoint(canonicalOctets(bytes.slice(from, from + 16)), port);
}
