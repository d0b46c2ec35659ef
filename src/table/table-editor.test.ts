import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { arbitraryOutputs, arbitraryRules } from '../../test/support/arbitrary-rules.ts';
import {
  edited,
  endpoint,
  outputs,
  rule,
  ruleEdit,
  ruleSet,
} from '../../test/support/rule-sets.ts';
import {
  compileRules,
  editRules,
  makeAllocator,
  meaningOf,
  type TestTable,
} from '../../test/support/tables.ts';
import {
  EMPTY_RULE_SET,
  exporterKey,
  type Rule,
  type RuleEdit,
  type RuleSet,
} from '../model/rules.ts';
import { PART_WORDS } from './blocks.ts';
import { HEADER, OUTPUT, TABLE } from './layout.ts';
import type { SlotAllocator } from './slots.ts';

const EXPORTERS = ['192.0.2.1', '192.0.2.1:7', '192.0.2.2', '2001:db8::1', '[2001:db8::1]:7'];
const MANY_EXPORTERS = [
  ...EXPORTERS,
  ...Array.from({ length: 60 }, (_, i) => `198.51.100.${i}${i % 3 === 0 ? ':9' : ''}`),
];
const COLLECTORS = ['192.0.2.11', '192.0.2.12:2', '2001:db8::21', '[2001:db8::22]:3'];
const INGREDIENTS = {
  exporters: fc.constantFrom(...MANY_EXPORTERS.map(endpoint)),
  collectors: fc.constantFrom(...COLLECTORS.map(endpoint)),
  maxRules: 30,
  isPlain: true,
  hasWays: true,
  hasChoices: true,
};
const edits = fc.record({
  deleted: fc.array(fc.constantFrom(...MANY_EXPORTERS), { maxLength: 20 }),
  upserts: arbitraryRules(INGREDIENTS),
  defaults: fc.option(arbitraryOutputs(INGREDIENTS), { nil: undefined }),
});

/** Rules in force, and the table that was made of them step by step. */
class Steps {
  readonly allocator: SlotAllocator = makeAllocator();
  set: RuleSet = EMPTY_RULE_SET;
  table: TestTable | undefined;
  /** How often it had to be compiled. */
  compiled = 0;

  async apply(edit: RuleEdit): Promise<void> {
    this.set = edited(this.set, edit);
    if (this.table !== undefined) {
      const written = await editRules(this.table, this.allocator, this.set, edit);
      if (written !== undefined) return;
    }
    this.table = await compileRules(this.set, this.allocator);
    this.compiled++;
  }
}

describe('TableEditor', () => {
  it('after any edits the table says what one that is compiled of the same rules says', async () => {
    let kept = 0;
    const property = fc.asyncProperty(fc.array(edits, { maxLength: 12 }), async (changes) => {
      const steps = new Steps();
      for (const { deleted, upserts, defaults } of changes) {
        await steps.apply(ruleEdit(deleted, upserts, defaults));
        const whole = await compileRules(steps.set, steps.allocator);
        const { words } = steps.table as TestTable;
        assert.deepEqual(meaningOf(words.buffer), meaningOf(whole.words.buffer));
      }
      kept += changes.length - steps.compiled;
    });
    await fc.assert(property, { numRuns: 150 });
    assert.ok(kept > 150, `${kept} edits were made in place`);
  });

  it('R1: an edit touches no exporter that differs in one word of the address, or in the port', async () => {
    const addresses = [
      '2001:db8:1:1:1:1:1:1',
      '2001:db9:1:1:1:1:1:1',
      '2001:db8:1:2:1:1:1:1',
    ].concat(['2001:db8:1:1:1:2:1:1', '2001:db8:1:1:1:1:1:2']);
    const all = [...addresses, ...addresses.map((address) => `[${address}]:9`)];
    // All in one bucket: nothing but the comparison tells them apart.
    const writeKey = (words: Int32Array) => words.fill(0, HEADER.KEY, HEADER.WORDS);
    for (const deleted of all) {
      const allocator = makeAllocator();
      const set = ruleSet(all.map((name) => rule(name, ['192.0.2.11'])));
      const table = await compileRules(set, allocator, { writeKey });
      const edit = ruleEdit([deleted], [rule('2001:db8:1:1:1:3:1:1', ['192.0.2.12'])]);
      assert.ok(await editRules(table, allocator, edited(set, edit), edit));
      const whole = await compileRules(edited(set, edit), allocator, { writeKey });
      assert.deepEqual(meaningOf(table.words.buffer), meaningOf(whole.words.buffer), deleted);
    }
  });

  it('one change writes a few rows, however many rules there are', async () => {
    const many = Array.from({ length: 5000 }, (_, i) =>
      rule(`10.0.${i >> 8}.${i & 255}`, ['192.0.2.11'], ['192.0.2.12', '2001:db8::21']),
    );
    const steps = new Steps();
    await steps.apply(ruleEdit([], many));
    const { allocator } = steps;
    const table = steps.table as TestTable;
    for (let i = 0; i < 1000; i++) {
      const name = `10.0.${i >> 8}.${i & 255}`;
      const upsert = rule(name, ['192.0.2.12'], ['192.0.2.11', '192.0.2.13']);
      const edit = ruleEdit(
        [`10.0.19.${i % 100}`],
        [upsert, rule(`10.1.${i >> 8}.${i & 255}`, ['192.0.2.11'])],
      );
      const written = await editRules(table, allocator, steps.set, edit);
      // The header, some rules that move, outputs and collectors.
      assert.ok(written !== undefined && written < 1000, `${written} words`);
    }
    assert.ok((table.words[HEADER.LONGEST_PROBE] as number) <= TABLE.PROBE_MAX);
  });

  it('uses rows again: the same changes for ever need no new table', async () => {
    const steps = new Steps();
    const other = rule('192.0.2.2', ['192.0.2.11'], ['192.0.2.12']);
    await steps.apply(ruleEdit([], [rule('192.0.2.1'), other]));
    for (let i = 0; i < 3000; i++) {
      const collectors = i % 2 === 0 ? [['192.0.2.11', '192.0.2.12']] : [['192.0.2.11'], ['::1']];
      const rules = [rule('192.0.2.1', ...collectors), ...(i % 3 === 1 ? [other] : [])];
      await steps.apply(ruleEdit(i % 3 === 0 ? ['192.0.2.2'] : [], rules));
    }
    assert.equal(steps.compiled, 1);
  });

  it('R22: equal filters are one row, and rows of filters are used again', async () => {
    const steps = new Steps();
    const filtered = (name: string, ...domains: readonly number[]): Rule => ({
      ...rule(name),
      outputs: outputs(['192.0.2.11']).map((output) => ({
        ...output,
        filter: { observationDomains: domains },
      })),
    });
    await steps.apply(ruleEdit([], [filtered('192.0.2.1', 1), filtered('192.0.2.2', 1)]));
    const { words, table } = steps.table as TestTable;
    const filterOf = (block: number) => words[table.outputsAt + block * PART_WORDS + OUTPUT.FILTER];
    assert.deepEqual([filterOf(0), filterOf(1)], [1, 1]);
    for (let i = 0; i < 3000; i++) {
      await steps.apply(ruleEdit([], [filtered('192.0.2.1', i, i + 1), filtered('192.0.2.3', 1)]));
      await steps.apply(ruleEdit(['192.0.2.3']));
    }
    assert.equal(steps.compiled, 1);
  });

  it('gives up when the hash table would be more than half full, or much too large', async () => {
    const steps = new Steps();
    const named = (from: number, count: number) =>
      Array.from({ length: count }, (_, i) => rule(`192.0.2.${from + i}`));
    await steps.apply(ruleEdit([], named(0, 7)));
    await steps.apply(ruleEdit([], named(7, 1)));
    assert.equal(steps.compiled, 2, 'grown');
    await steps.apply(ruleEdit([], named(8, 100)));
    const gone = named(0, 105).map((r) => exporterKey(r.exporter));
    await steps.apply(ruleEdit(gone));
    assert.equal(steps.compiled, 4, 'grown and shrunk');
    assert.equal(steps.table?.words[HEADER.BUCKETS], 16);
  });
});
