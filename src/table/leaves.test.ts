import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { endpoint, outputs, rule, ruleSet } from '../../test/support/rule-sets.ts';
import { compileRules, editRules, makeAllocator, meaningOf } from '../../test/support/tables.ts';
import { type Collector, makeCollector, type Rule } from '../model/rules.ts';
import { HEADER, LEAVE } from './layout.ts';
import { countLeaves, Leaves, leaveRow } from './leaves.ts';

const TO = makeCollector(endpoint('198.51.100.1:9'));
const row = (hopLimit: number) => leaveRow({ ...TO, hopLimit }) as Int32Array;

/** A table with nothing but room for so many rows. */
function emptyTable(capacity: number): Int32Array {
  const words = new Int32Array(HEADER.WORDS + capacity * LEAVE.WORDS);
  words[HEADER.LEAVES] = HEADER.WORDS;
  return words;
}

/** Each of so many rules has a collector with this hop limit. */
const rulesWith = (count: number, hopLimit: (i: number) => number): Rule[] =>
  Array.from({ length: count }, (_, i) => {
    const collector: Collector = { ...TO, hopLimit: hopLimit(i) };
    return { ...rule(`192.0.2.${i}`), outputs: [{ collectors: [collector] }] };
  });

describe('R25, R26: rows of how copies leave', () => {
  it('are none for a collector whose copies leave as the exporter sent the packet', () => {
    assert.equal(leaveRow(TO), undefined);
    assert.equal(leaveRow({ ...TO, weight: 3, description: 'x' }), undefined);
  });

  it('are shared, counted once, and used again when nobody uses them', () => {
    const leaves = new Leaves(2);
    const words = emptyTable(2);
    assert.deepEqual(
      [1, 2, 1].map((hopLimit) => leaves.take(row(hopLimit), words)),
      [1, 2, 1],
    );
    assert.equal(leaves.take(row(3), words), undefined, 'no room');
    leaves.release(1);
    assert.equal(leaves.take(row(3), words), undefined, 'it is used once more');
    leaves.release(1);
    assert.equal(leaves.take(row(3), words), 1);
    assert.deepEqual([...words.subarray(HEADER.WORDS, HEADER.WORDS + LEAVE.WORDS)], [...row(3)]);
    assert.equal(leaves.used, 2);
    const lists = [
      outputs(['192.0.2.1']),
      ...rulesWith(9, (i) => 1 + (i % 3)).map((r) => r.outputs),
    ];
    assert.equal(countLeaves(lists.flat()), 3);
  });

  it('have room in a table for those of its rules and some more; beyond, it is made anew', async () => {
    const allocator = makeAllocator();
    const before = ruleSet(rulesWith(200, (i) => 1 + i));
    const table = await compileRules(before, allocator);
    const later = rulesWith(100, (i) => 101 + i + (i < 54 ? 100 : 0));
    const change = { kind: 'edit', deleted: [], upserts: later } as const;
    const after = ruleSet([...later, ...before.rules.slice(100)]);
    assert.notEqual(await editRules(table, allocator, after, change), undefined);
    const { rules } = meaningOf(table.words.buffer);
    assert.equal(rules.get('192.0.2.0')?.outputs[0]?.collectors?.[0]?.hopLimit, 201);
    assert.equal(rules.get('192.0.2.199')?.outputs[0]?.collectors?.[0]?.hopLimit, 200);
  });
});
