/** Makes a forwarding table of a whole rule set. Layout: native/include/table.h. */
import { Turn } from '../base/turn.ts';
import { differentOutputs } from '../model/rules.ts';
import type { AssignedOutputs, AssignedRule } from './assigned.ts';
import { COLLECTORS_A_PART, OUTPUTS_A_PART, PART_WORDS, partsFor } from './blocks.ts';
import { bucketsFor } from './bucket-count.ts';
import { Buckets, copyRow } from './buckets.ts';
import { countFilters, Filters } from './filters.ts';
import { writeRandomKey } from './hash.ts';
import { FILTER, HEADER, LEAVE, PREFIX, RULE, TABLE } from './layout.ts';
import { countLeaves, Leaves } from './leaves.ts';
import { countCollectors, MadeRows } from './made-rows.ts';
import { OutputWriter, type TableRows } from './output-writer.ts';
import { PrefixTree } from './prefix-tree.ts';
import { type Destinations, writeExporter } from './rows.ts';
import { countHashed, isHashedRow, isPrefixRow } from './rule-kind.ts';
import { Runs } from './runs.ts';
import { TableEditor } from './table-editor.ts';

/** All that a table says. */
export interface TableContent {
  readonly rules: readonly AssignedRule[];
  readonly defaults: AssignedOutputs;
  /** The index of each pipeline that they name. */
  readonly pipelines: ReadonlyMap<string, number>;
  /** Collectors that are down, by watchKey(). */
  readonly down: ReadonlySet<string>;
  /** How often collectors have come back, by watchKey(). */
  readonly returns?: ReadonlyMap<string, number> | undefined;
  /** Index of the path to a collector, 0 = none. */
  readonly pathOf?: Destinations['pathOf'];
}

export interface CompileOptions {
  /** Destination port of collectors without one (spec R5). */
  readonly listenPort: number;
  /** Gives memory of so many words for the table, whatever is in it; the one given before is free then. */
  readonly provide: (words: number) => Int32Array;
  /** Instead of random ones, in tests. */
  readonly writeKey?: (words: Int32Array) => void;
}

/** So many keys are tried before the hash table is made larger. One does in 19 of 20 cases. */
const TRIES = 16;

/** Room for rows to come, in parts of those that are needed now, and at least. Memory is used when written. */
const SLACK_PART = 8;
const MIN_SLACK = 1024;
const CACHE_LINE_WORDS = 16;
/** Few ways are different. */
const LEAVE_SLACK = 64;

/** Lets the process do other things in between. @returns what edits the table from now on */
export async function compile(
  content: TableContent,
  options: CompileOptions,
): Promise<TableEditor> {
  const { rules, defaults, pipelines, down, returns, pathOf } = content;
  const { listenPort } = options;
  const made = new MadeRows({ listenPort, pipelines, down, returns, pathOf });
  const ruleRows = await makeRuleRows(rules, made);
  const different = [...differentOutputs({ rules, defaultOutputs: defaults.outputs })];
  const filters = countFilters(different);
  const rows: TableRows = {
    // Where two prefixes part there can be one more.
    prefixes: new Runs(withSlack(2 * countRows(ruleRows, isPrefixRow))),
    blocks: new Runs(withSlack(countParts(content))),
    leaves: new Leaves(countLeaves(different) + LEAVE_SLACK),
    filters: new Filters({
      filters: withSlack(filters.filters),
      values: withSlack(filters.values),
    }),
  };
  const words = await fillBuckets(ruleRows, rows, options);
  await plantPrefixes(words, ruleRows, rows.prefixes);
  const turn = new Turn();
  const writer = new OutputWriter(words, rows, made);
  const row = new Int32Array(RULE.WORDS);
  // In the order of the rows, which say already where each finds its outputs.
  for (const rule of rules) {
    if (turn.isOver) await turn.next();
    writer.write(rule, row, 0);
  }
  writer.write(defaults, words, words[HEADER.DEFAULT_RULE] as number, true);
  return new TableEditor(rows, listenPort);
}

/** One row for each rule, in their order, as if outputs were written in this order too. */
async function makeRuleRows(rules: readonly AssignedRule[], made: MadeRows): Promise<Int32Array> {
  const turn = new Turn();
  const rows = new Int32Array(rules.length * RULE.WORDS);
  let nextPart = 0;
  for (const [i, { exporter, outputs, slots }] of rules.entries()) {
    if (turn.isOver) await turn.next();
    const at = i * RULE.WORDS;
    writeExporter(rows, at, exporter);
    rows[at + RULE.INPUT_SLOT] = slots.input;
    rows[at + RULE.FIRST_OUTPUT] = nextPart * OUTPUTS_A_PART;
    rows[at + RULE.OUTPUTS] = (rows[at + RULE.OUTPUTS] as number) | outputs.length;
    nextPart += partsFor(outputs.length, countCollectors(made.of(outputs, false)));
  }
  return rows;
}

/** Finds a key and a size with which no rule is too far from its place. */
async function fillBuckets(
  ruleRows: Int32Array,
  rows: TableRows,
  { provide, writeKey = writeRandomKey }: CompileOptions,
): Promise<Int32Array> {
  const hashed = countRows(ruleRows, isHashedRow);
  for (let buckets = bucketsFor(hashed); ; buckets *= 2) {
    const words = provide(tableWords(buckets, rows));
    for (let attempt = 0; attempt < TRIES; attempt++) {
      writeHeader(words, buckets, rows);
      writeKey(words);
      if (await insertAll(words, ruleRows)) return words;
    }
  }
}

async function insertAll(words: Int32Array, ruleRows: Int32Array): Promise<boolean> {
  const turn = new Turn();
  const buckets = new Buckets(words);
  for (let at = 0; at < ruleRows.length; at += RULE.WORDS) {
    if (turn.isOver) await turn.next();
    if (!isHashedRow(ruleRows, at)) continue;
    if (!buckets.insert(ruleRows, at)) return false;
    countHashed(words, ruleRows, at, 1);
  }
  return true;
}

/** Makes the trees of prefixes, with the rules that have their place beside them. */
async function plantPrefixes(words: Int32Array, ruleRows: Int32Array, nodes: Runs): Promise<void> {
  const turn = new Turn();
  const tree = new PrefixTree(words, nodes);
  for (let at = 0; at < ruleRows.length; at += RULE.WORDS) {
    if (turn.isOver) await turn.next();
    if (!isPrefixRow(ruleRows, at)) continue;
    const isHashed = isHashedRow(ruleRows, at);
    const place = tree.add(ruleRows, at, isHashed);
    if (!isHashed) copyRow(ruleRows, at, words, place);
  }
}

/** An empty table, but for blocks of outputs and collectors. */
function writeHeader(words: Int32Array, buckets: number, rows: TableRows): void {
  const defaultRule = HEADER.WORDS + (buckets + TABLE.PROBE_MAX) * RULE.WORDS;
  const prefixes = defaultRule + RULE.WORDS;
  const prefixCount = rows.prefixes.capacity + 1;
  const blocks = blocksAt(prefixes + prefixCount * (PREFIX.WORDS + RULE.WORDS));
  words.fill(0, 0, prefixes);
  words[HEADER.MAGIC] = TABLE.MAGIC;
  words[HEADER.LAYOUT] = TABLE.LAYOUT;
  words[HEADER.BUCKETS] = buckets;
  words[HEADER.HASH_SHIFT] = 32 - Math.log2(buckets);
  words[HEADER.DEFAULT_RULE] = defaultRule;
  words[HEADER.PREFIXES] = prefixes;
  words[HEADER.PREFIX_COUNT] = prefixCount;
  words[HEADER.OUTPUTS] = blocks;
  words[HEADER.COLLECTORS] = blocks;
  words[HEADER.OUTPUT_COUNT] = rows.blocks.capacity * OUTPUTS_A_PART;
  words[HEADER.COLLECTOR_COUNT] = rows.blocks.capacity * COLLECTORS_A_PART;
  words[HEADER.LEAVES] = blocks + rows.blocks.capacity * PART_WORDS;
  words[HEADER.LEAVE_COUNT] = rows.leaves.capacity;
  const filters = (words[HEADER.LEAVES] as number) + rows.leaves.capacity * LEAVE.WORDS;
  const { capacity } = rows.filters;
  words[HEADER.FILTERS] = filters;
  words[HEADER.FILTER_VALUES] = filters + capacity.filters * FILTER.WORDS;
  words[HEADER.FILTER_COUNT] = capacity.filters;
  words[HEADER.FILTER_VALUE_COUNT] = capacity.values;
}

/** From this word on, at the beginning of a cache line. */
function blocksAt(word: number): number {
  return Math.ceil(word / CACHE_LINE_WORDS) * CACHE_LINE_WORDS;
}

function tableWords(buckets: number, rows: TableRows): number {
  const { prefixes, blocks, leaves, filters } = rows;
  const rules = buckets + TABLE.PROBE_MAX + 1;
  return (
    blocksAt(
      HEADER.WORDS + rules * RULE.WORDS + (prefixes.capacity + 1) * (PREFIX.WORDS + RULE.WORDS),
    ) +
    blocks.capacity * PART_WORDS +
    leaves.capacity * LEAVE.WORDS +
    filters.capacity.filters * FILTER.WORDS +
    filters.capacity.values
  );
}

function countRows(
  rows: Int32Array,
  isCounted: (rows: Int32Array, row: number) => boolean,
): number {
  let count = 0;
  for (let at = 0; at < rows.length; at += RULE.WORDS) if (isCounted(rows, at)) count++;
  return count;
}

function withSlack(rows: number): number {
  return rows + Math.max(MIN_SLACK, Math.ceil(rows / SLACK_PART));
}

/** At most: collectors that do not serve have no rows. */
function countParts({ rules, defaults }: TableContent): number {
  let parts = 0;
  for (const { outputs } of [...rules, defaults]) {
    let collectors = 0;
    for (const output of outputs) collectors += output.collectors?.length ?? 1;
    parts += partsFor(outputs.length, collectors);
  }
  return parts;
}
