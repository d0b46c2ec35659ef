/** Collectors that are down, in the tables that are written and in the log that the next control reads. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import fc from 'fast-check';
import { edited, endpoint, exporter, ruleEdit, ruleSet } from '../../test/support/rule-sets.ts';
import { meaningOf } from '../../test/support/tables.ts';
import { watchKey } from '../model/collector-health.ts';
import { formatEndpoint } from '../model/endpoint.ts';
import { type Collector, exporterKey, type Output, type Rule } from '../model/rules.ts';
import { mapMemory, unmapMemory } from '../native/memory.ts';
import { ForwardingTable } from '../table/forwarding-table.ts';
import { Identities } from '../table/identities.ts';
import { COLLECTOR, OUTPUT, RULE } from '../table/layout.ts';
import type { TableReference } from './engine.ts';
import { CounterColumns } from './memory/counter-columns.ts';
import { readIdentityMemory } from './memory/identity-memory.ts';
import { RulePublisher } from './rule-publisher.ts';

let publisher: RulePublisher;
beforeEach(() => {
  publisher = new RulePublisher([{ port: 2055 }], new CounterColumns());
  publisher.start();
});
afterEach(() => publisher.close());

const COLLECTORS: readonly Collector[] = [1, 2, 3, 4].map((i) => ({
  endpoint: endpoint(`192.0.2.${i}:2055`),
  weight: i === 4 ? 3 : 1,
  health: { check: 'PORT' },
  ...(i === 3 ? { isStandby: true } : {}),
}));
const UNWATCHED: Collector = { endpoint: endpoint('192.0.2.9:2055'), weight: 1 };
const THIRD: readonly Collector[] = [{ endpoint: endpoint('192.0.2.8:2055'), weight: 1 }];
const keyOf = (collector: Collector) => watchKey(collector) as string;

function rule(name: string, outputs: readonly (readonly Collector[])[]): Rule {
  return { exporter: exporter(name), outputs: outputs.map((collectors) => ({ collectors })) };
}

function readTable({ file, bytes }: TableReference) {
  const memory = mapMemory(publisher.sharedMemory.tables[file], bytes, false);
  try {
    return meaningOf(memory.slice(0));
  } finally {
    unmapMemory(memory);
  }
}

/** Who serves, as H3 says it. */
function serving(collectors: readonly Collector[], down: ReadonlySet<string>): Collector[] {
  const isDown = (collector: Collector) => down.has(watchKey(collector) ?? '');
  const up = collectors.filter((collector) => !isDown(collector));
  const from = up.length > 0 ? up : collectors;
  const active = from.filter(({ isStandby }) => !isStandby);
  return active.length > 0 ? active : [...from];
}

function assertSays(
  reference: TableReference,
  rules: readonly Rule[],
  defaults: readonly Output[],
) {
  const { down } = publisher;
  const table = readTable(reference);
  assert.equal(table.rules.size, rules.length);
  const namesOf = (collectors: readonly Collector[]) =>
    collectors.map(({ endpoint: of }) => formatEndpoint(of));
  const assertOutputs = (
    outputs: readonly Output[],
    slots: ReturnType<typeof publisher.rule>,
    found: typeof table.defaults | undefined,
  ) => {
    outputs.forEach(({ collectors = [] }, i) => {
      const wanted = serving(collectors, down);
      assert.deepEqual(namesOf(found?.outputs[i]?.collectors ?? []), namesOf(wanted));
      const places = wanted.map((one) => slots?.outputs[i]?.collectors[collectors.indexOf(one)]);
      assert.deepEqual(found?.slots.outputs[i]?.collectors, places, 'each counts where it did');
      assert.equal(found?.slots.outputs[i]?.state, slots?.outputs[i]?.state);
    });
  };
  for (const each of rules) {
    const slots = publisher.rule(each.exporter);
    assertOutputs(each.outputs, slots, table.rules.get(exporterKey(each.exporter)));
  }
  assertOutputs(defaults, publisher.defaults, table.defaults);
}

const log = async () =>
  Identities.read(readIdentityMemory(publisher.sharedMemory.identities, 1 << 26));

test('H3: any changes of rules and of health give tables without those that are down', async () => {
  const group = fc.uniqueArray(fc.constantFrom(...COLLECTORS, UNWATCHED), { minLength: 1 });
  const groups = fc.array(group, { minLength: 1, maxLength: 3 });
  const names = Array.from({ length: 12 }, (_, i) => `203.0.113.${i}`);
  const steps = fc.array(
    fc.record({
      down: fc.option(fc.subarray([...COLLECTORS])),
      isWhole: fc.boolean(),
      deleted: fc.subarray(names, { maxLength: 3 }),
      upserts: fc.uniqueArray(fc.tuple(fc.constantFrom(...names), groups), {
        selector: ([name]) => name,
        maxLength: 5,
      }),
      defaults: fc.option(groups, { nil: undefined }),
      hasChange: fc.boolean(),
    }),
    { maxLength: 12 },
  );
  let set = ruleSet([]);
  let prepared = await publisher.prepare(set);
  await prepared.write([]);
  prepared.commit();
  const property = fc.asyncProperty(steps, async (all) => {
    for (const { down, isWhole, hasChange, deleted, upserts, defaults } of all) {
      if (down !== null) publisher.down = new Set(down.map(keyOf));
      if (hasChange) {
        const outputs = defaults?.map((collectors) => ({ collectors }));
        const edit = ruleEdit(
          deleted,
          upserts.map(([name, of]) => rule(name, of)),
          outputs,
        );
        set = edited(set, edit);
        prepared = await publisher.prepare(set, isWhole ? undefined : edit);
      }
      const reference = await prepared.write([]);
      if (hasChange) prepared.commit();
      assertSays(reference, set.rules, set.defaultOutputs);
      assert.deepEqual((await log()).down, publisher.down);
    }
  });
  await fc.assert(property, { numRuns: 60 });
});

test('H2: the next control begins with who was down', async () => {
  const [one] = COLLECTORS as [Collector];
  const set = ruleSet([rule('203.0.113.1', [COLLECTORS])]);
  publisher.down = new Set([keyOf(one)]);
  const prepared = await publisher.prepare(set);
  await prepared.write([]);
  prepared.commit();
  const heir = new RulePublisher([{ port: 2055 }], new CounterColumns());
  heir.adopt(await log());
  assert.deepEqual([...heir.down], [keyOf(one)]);
});

test('H4: a change of health writes nothing of the rules that it does not touch', async () => {
  const [one, two] = COLLECTORS as [Collector, Collector];
  const others = Array.from({ length: 3000 }, (_, i) =>
    rule(`10.0.${i >> 8}.${i & 255}`, [[two, UNWATCHED]]),
  );
  const prepared = await publisher.prepare(
    ruleSet([rule('203.0.113.1', [[one, UNWATCHED]]), ...others]),
  );
  const first = await prepared.write([]);
  prepared.commit();
  for (let i = 0; i < 1000; i++) {
    publisher.down = i % 2 === 0 ? new Set([keyOf(one)]) : new Set();
    const { bytes, generation } = await prepared.write([]);
    assert.deepEqual([bytes, generation], [first.bytes, first.generation + i + 1]);
  }
  const text = readIdentityMemory(publisher.sharedMemory.identities, 1 << 26);
  assert.ok(text.length < 2 << 20, `the log has ${text.length} bytes`);
  const { rules } = await log();
  assert.equal(rules.size, 3001);
});

test('R24: rows tell how often a collector has come back, in tables that are edited and made anew', async () => {
  const [first, second] = COLLECTORS as [Collector, Collector];
  const collectors = [first, second, UNWATCHED];
  let prepared = await publisher.prepare(ruleSet([], [{ collectors }]));
  /** Of the collectors that serve. */
  const returns = async () => {
    const { file, bytes } = await prepared.write([]);
    const memory = mapMemory(publisher.sharedMemory.tables[file], bytes, false);
    const { words, ...table } = new ForwardingTable(memory.slice(0));
    unmapMemory(memory);
    const word = (at: number) => words[at] as number;
    const output = table.outputsAt + word(table.defaultRule + RULE.FIRST_OUTPUT) * OUTPUT.WORDS;
    const row = table.collectorsAtBytes / 4 + word(output) * COLLECTOR.WORDS;
    return Array.from({ length: word(output + OUTPUT.COLLECTORS) }, (_, i) =>
      word(row + i * COLLECTOR.WORDS + COLLECTOR.RETURNS),
    );
  };
  assert.deepEqual(await returns(), [0, 0, 0]);
  prepared.commit();
  publisher.down = new Set([first, second].map(keyOf));
  assert.deepEqual(await returns(), [0], 'nobody has come back');
  publisher.down = new Set([keyOf(second)]);
  assert.deepEqual(await returns(), [1, 0], 'one has');
  publisher.down = new Set([first, second].map(keyOf));
  publisher.down = new Set();
  assert.deepEqual(await returns(), [2, 1, 0], 'even when no table was written meanwhile');
  prepared = await publisher.prepare(ruleSet([], [{ collectors: [...collectors, ...THIRD] }]));
  assert.deepEqual(await returns(), [2, 1, 0, 0], 'and it stays so when rules change');
});
