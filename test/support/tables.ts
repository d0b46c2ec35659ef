/** Forwarding tables of rule sets, without a data plane. */
import assert from 'node:assert/strict';
import { exporterKey, type RuleEdit, type RuleSet } from '../../src/model/rules.ts';
import { type CompileOptions, compile } from '../../src/table/compile.ts';
import { ForwardingTable } from '../../src/table/forwarding-table.ts';
import { HEADER } from '../../src/table/layout.ts';
import { addressWords } from '../../src/table/rows.ts';
import { SlotAllocator } from '../../src/table/slots.ts';
import type { TableEditor } from '../../src/table/table-editor.ts';
import { decompile } from './decompile.ts';

export const LISTEN_PORT = 2055;

/** What was in memory before: a table must not depend on it. */
const LEFTOVER = 0x5a;

/** Words of the header that count rules. */
const KINDS = [
  HEADER.PORT_RULES,
  HEADER.ADDRESS_RULES,
  HEADER.LISTENING_PORT_RULES,
  HEADER.LISTENING_ADDRESS_RULES,
  HEADER.PREFIX_PORT_RULES,
];

/** What a table says, whatever its rows are: rules by exporter, with where they count. */
export function meaningOf(memory: ArrayBuffer) {
  const table = new ForwardingTable(memory);
  const { rules, defaults } = decompile(table);
  const byExporter = new Map(rules.map((rule) => [exporterKey(rule.exporter), rule]));
  for (const [name, { exporter }] of byExporter) {
    const { endpoint, listeningPort = 0 } = exporter;
    // What no packet finds means nothing.
    const at = table.find(...addressWords(endpoint), endpoint.port, listeningPort);
    assert.notEqual(at, table.defaultRule, name);
  }
  assert.equal(byExporter.size, rules.length, 'one rule for each exporter');
  const { words } = table;
  const kinds = KINDS.map((kind) => words[kind]);
  return { rules: byExporter, defaults, kinds };
}

/** With room for so many slots and states that get lost in no test unless it wants them to. */
export function makeAllocator(slots = 100_000, cleared: number[] = []): SlotAllocator {
  const clearSlot = (slot: number) => cleared.push(slot);
  return new SlotAllocator({ slots, states: slots, clearSlot, clearState: () => {} });
}

export interface TestTable {
  readonly words: Int32Array<ArrayBuffer>;
  readonly table: ForwardingTable;
  readonly editor: TableEditor;
}

/** Puts a rule set in force with an allocator and compiles it. */
export async function compileRules(
  set: RuleSet,
  allocator = makeAllocator(),
  options: Pick<CompileOptions, 'writeKey'> = {},
  down: ReadonlySet<string> = new Set(),
): Promise<TestTable> {
  const assignment = await allocator.assign(set);
  allocator.commit(assignment);
  const { defaults, pipelines } = assignment;
  let memory = new ArrayBuffer(0);
  const provide = (words: number) => {
    memory = new ArrayBuffer(words * 4);
    new Uint8Array(memory).fill(LEFTOVER);
    return new Int32Array(memory);
  };
  const content = { rules: [...allocator.rulesOf(assignment)], defaults, pipelines, down };
  const editor = await compile(content, { ...options, listenPort: LISTEN_PORT, provide });
  return { words: new Int32Array(memory), table: new ForwardingTable(memory), editor };
}

/** Puts an edit in force with an allocator, and writes it into the table. @returns words written, if it fits */
export async function editRules(
  { words, editor }: TestTable,
  allocator: SlotAllocator,
  set: RuleSet,
  edit: RuleEdit,
): Promise<number | undefined> {
  const assignment = await allocator.assign(set, edit);
  const { rules, deleted, defaults, pipelines } = assignment;
  allocator.commit(assignment);
  const change = {
    deleted: [...deleted.values()],
    upserts: [...rules.values()],
    defaults,
    pipelines,
    down: new Set<string>(),
  };
  return (await editor.edit(words, change))?.count;
}
