import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import fc from 'fast-check';
import { edited, outputs, rule, ruleEdit, ruleSet } from '../../test/support/rule-sets.ts';
import { compileRules, makeAllocator, meaningOf } from '../../test/support/tables.ts';
import { exporterKey, type RuleEdit, type RuleSet } from '../model/rules.ts';
import { mapMemory, unmapMemory } from '../native/memory.ts';
import { Identities } from '../table/identities.ts';
import { PROBE_SLOTS } from '../table/slots.ts';
import type { TableReference } from './engine.ts';
import { CounterColumns } from './memory/counter-columns.ts';
import { readIdentityMemory } from './memory/identity-memory.ts';
import { type PreparedTable, RulePublisher } from './rule-publisher.ts';

const PROBES = [rule('127.0.0.1:40000', ['127.0.0.1:40001'])];
const MAX_LOG_BYTES = 1 << 26;

/** Names of exporters, and collectors by output. */
interface Change {
  readonly deleted: readonly string[];
  readonly upserts: readonly (readonly [string, readonly (readonly string[])[]])[];
  readonly defaults: readonly (readonly string[])[] | undefined;
}

interface Step extends Change {
  readonly isWhole: boolean;
  readonly outcome: 'kept' | 'discarded' | 'written twice';
}

describe('RulePublisher', () => {
  let publisher: RulePublisher;
  beforeEach(() => {
    publisher = new RulePublisher([{ port: 2055 }], new CounterColumns());
    publisher.start();
  });
  afterEach(() => publisher.close());

  function bytesOf({ file, bytes }: TableReference): ArrayBuffer {
    const memory = mapMemory(publisher.sharedMemory.tables[file], bytes, false);
    const copy = memory.slice(0);
    unmapMemory(memory);
    return copy;
  }

  const log = () => readIdentityMemory(publisher.sharedMemory.identities, MAX_LOG_BYTES);

  async function putInForce(set: RuleSet, edit?: RuleEdit): Promise<TableReference> {
    const prepared = await publisher.prepare(set, edit);
    const reference = await prepared.write(PROBES);
    prepared.commit();
    return reference;
  }

  /** The table says what the rules say, with the slots that were given out. */
  function assertSays(reference: TableReference, set: RuleSet): void {
    const { rules, defaults } = meaningOf(bytesOf(reference));
    const names = set.rules.map((r) => exporterKey(r.exporter));
    assert.deepEqual([...rules.keys()].toSorted(), [...names, '127.0.0.1:40000'].toSorted());
    assert.deepEqual(rules.get('127.0.0.1:40000')?.slots, PROBE_SLOTS);
    for (const { exporter, outputs } of set.rules) {
      const said = rules.get(exporterKey(exporter));
      assert.deepEqual(said?.outputs, outputs);
      assert.deepEqual(said?.slots, publisher.rule(exporter));
    }
    assert.deepEqual(defaults, { outputs: set.defaultOutputs, slots: publisher.defaults });
  }

  /** Another control that reads the log gives each rule what it has here. */
  async function assertInherited(set: RuleSet): Promise<void> {
    const heir = makeAllocator();
    heir.adopt(await Identities.read(log()));
    heir.commit(await heir.assign(set));
    for (const r of set.rules) assert.deepEqual(heir.rule(r.exporter), publisher.rule(r.exporter));
    assert.deepEqual(heir.defaults, publisher.defaults);
  }

  const names = Array.from({ length: 30 }, (_, i) => `192.0.2.${i >> 1}${i % 2 ? ':7' : ''}`);
  const groups = fc.array(
    fc
      .uniqueArray(fc.constantFrom('2001:db8::21', '192.0.2.11:1', '192.0.2.12'), { minLength: 1 })
      // In the order of tables: IPv6 first.
      .map((group) => group.toSorted((a, b) => b.indexOf('::') - a.indexOf('::'))),
    { maxLength: 3 },
  );
  const steps: fc.Arbitrary<Step[]> = fc.array(
    fc.record({
      isWhole: fc.boolean(),
      outcome: fc.constantFrom(
        'kept' as const,
        'kept' as const,
        'discarded' as const,
        'written twice' as const,
      ),
      deleted: fc.array(fc.constantFrom(...names), { maxLength: 8 }),
      upserts: fc.uniqueArray(fc.tuple(fc.constantFrom(...names), groups), {
        selector: ([name]) => name,
        maxLength: 8,
      }),
      defaults: fc.option(groups, { nil: undefined }),
    }),
    { maxLength: 12 },
  );

  it('S5: any changes, kept or not, give the tables and the log of the rules that were kept', async () => {
    let current = ruleSet([]);
    let last = await putInForce(current);
    const take = async ({ isWhole, outcome, ...change }: Step) => {
      const edit = editOf(change);
      const set = edited(current, edit);
      const prepared = await publisher.prepare(set, isWhole ? undefined : edit);
      if (outcome === 'discarded') return prepared.discard();
      last = await replaceTable(prepared, last);
      if (outcome === 'written twice') last = await replaceTable(prepared, last);
      prepared.commit();
      current = set;
    };
    const property = fc.asyncProperty(steps, async (changes) => {
      for (const step of changes) {
        await take(step);
        assertSays(last, current);
        await assertInherited(current);
      }
    });
    await fc.assert(property, { numRuns: 60 });
  });

  /** Nobody writes to the table that is in use meanwhile. */
  async function replaceTable(
    prepared: PreparedTable,
    inUse: TableReference,
  ): Promise<TableReference> {
    const before = bytesOf(inUse);
    const reference = await prepared.write(PROBES);
    assert.deepEqual(bytesOf(inUse), before);
    return reference;
  }

  it('A8: a table that was in use is not written to before the one that follows it is', async () => {
    const first = await putInForce(ruleSet([rule('192.0.2.1')]));
    const second = await putInForce(ruleSet([rule('192.0.2.2')]));
    const third = await putInForce(ruleSet([rule('192.0.2.3')]));
    assert.notEqual(first.file, second.file);
    assert.equal(first.file, third.file);
    assert.ok(first.generation < second.generation && second.generation < third.generation);
  });

  it('an edit of rules whose table was written but never in force is none of that table', async () => {
    const [kept, lost] = [rule('192.0.2.1'), rule('192.0.2.2')];
    await putInForce(ruleSet([kept]));
    const failed = await publisher.prepare(ruleSet([kept, lost]), ruleEdit([], [lost]));
    await failed.write(PROBES);
    failed.discard();
    const edit = ruleEdit([], [rule('192.0.2.3', ['192.0.2.11'])]);
    const set = ruleSet([kept, ...edit.upserts]);
    assertSays(await putInForce(set, edit), set);
    await assertInherited(set);
    const { rules } = await Identities.read(log());
    assert.equal(rules.has('192.0.2.2'), false);
  });

  it('test datagrams that come later are in the table of the rules in force', async () => {
    const prepared = await publisher.prepare(ruleSet([rule('192.0.2.1')]));
    await prepared.write([]);
    prepared.commit();
    assertSays(await prepared.write(PROBES), ruleSet([rule('192.0.2.1')]));
  });

  it('S5: while rules are put in force, the log keeps what packets on their way count in', async () => {
    const old = rule('192.0.2.1', ['192.0.2.11']);
    await putInForce(ruleSet([old]));
    const slots = publisher.rule(old.exporter);
    const prepared = await publisher.prepare(ruleSet([]), ruleEdit(['192.0.2.1']));
    await prepared.write(PROBES);
    const { limbo } = await Identities.read(log());
    assert.deepEqual(limbo.slots, [slots?.input, slots?.outputs[0]?.collectors[0]]);
    prepared.commit();
    const { limbo: none, rules } = await Identities.read(log());
    assert.deepEqual([none, rules.size], [{ slots: [], states: [] }, 0]);
  });

  it('1,000 changes of one among many rules write little, and the log does not grow for ever', async () => {
    const rules = Array.from({ length: 3000 }, (_, i) =>
      rule(`10.0.${i >> 8}.${i & 255}`, ['192.0.2.11'], ['192.0.2.12']),
    );
    let set = ruleSet(rules);
    const first = await putInForce(set);
    const whole = log().length;
    for (let i = 0; i < 1000; i++) {
      const upsert = rule('10.0.7.7', ['192.0.2.11', `192.0.3.${i % 250}`]);
      const edit = ruleEdit([], [upsert]);
      set = edited(set, edit);
      const { generation, bytes } = await putInForce(set, edit);
      assert.deepEqual([generation, bytes], [first.generation + i + 1, first.bytes]);
    }
    assert.ok(log().length < 2 * whole + (1 << 20), `${log().length} bytes`);
    await assertInherited(set);
  });

  it('an edit that is larger than a part of the rules makes the table anew, with the same meaning', async () => {
    const rules = Array.from({ length: 1500 }, (_, i) => rule(`10.0.${i >> 8}.${i & 255}`));
    await putInForce(ruleSet([rule('192.0.2.1'), rule('192.0.2.2')]));
    const edit = ruleEdit(['192.0.2.1'], rules);
    const set = edited(ruleSet([rule('192.0.2.1'), rule('192.0.2.2')]), edit);
    assertSays(await putInForce(set, edit), set);
    const same = await compileRules(set);
    assert.equal(meaningOf(same.words.buffer).rules.size, set.rules.length);
  });
});

function editOf({ deleted, upserts, defaults }: Change): RuleEdit {
  const rules = upserts.map(([name, collectors]) => rule(name, ...collectors));
  return ruleEdit(deleted, rules, defaults && outputs(...defaults));
}
