import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { exporter, outputs, rule, ruleSet } from '../../test/support/rule-sets.ts';
import { exporterKey, type RuleSet } from '../model/rules.ts';
import { mergeChange } from './merge.ts';

const A = rule('192.0.2.1', ['192.0.2.11']);
const A_PORT = rule('192.0.2.1:1000', ['192.0.2.12']);
const B = rule('2001:db8::2', ['2001:db8::21']);
const DEFAULTS = outputs(['192.0.2.51']);
const CURRENT = ruleSet([A, A_PORT, B], DEFAULTS);

const exportersOf = (set: RuleSet) => set.rules.map((r) => exporterKey(r.exporter));

const NO_CHANGE = { kind: 'edit', deleted: [], upserts: [] } as const;

describe('mergeChange()', () => {
  it('A2: replace takes the new set as it is', () => {
    const next = ruleSet([B]);
    assert.equal(mergeChange(CURRENT, { kind: 'replace', ruleSet: next }), next);
  });

  it('A3: update gives an exporter new outputs in its place and adds new ones at the end', () => {
    const newA = rule('192.0.2.1', ['192.0.2.99']);
    const newC = rule('192.0.2.3');
    const merged = mergeChange(CURRENT, { ...NO_CHANGE, upserts: [newC, newA] });
    assert.deepEqual(merged, ruleSet([newA, A_PORT, B, newC], DEFAULTS));
    assert.equal(merged.rules[1], A_PORT, 'an untouched rule stays the same object');
  });

  it('A3: update replaces default outputs only when they are given', () => {
    const defaultOutputs = outputs(['192.0.2.52']);
    const given = mergeChange(CURRENT, { ...NO_CHANGE, upserts: [], defaultOutputs });
    assert.deepEqual(given.defaultOutputs, defaultOutputs);
    const none = mergeChange(CURRENT, { ...NO_CHANGE, upserts: [] });
    assert.deepEqual(none.defaultOutputs, DEFAULTS);
  });

  it('A4: delete takes exact matches only and leaves default outputs', () => {
    const merged = mergeChange(CURRENT, { ...NO_CHANGE, deleted: [exporter('192.0.2.1')] });
    assert.deepEqual(exportersOf(merged), ['192.0.2.1:1000', '2001:db8::2']);
    assert.equal(merged.defaultOutputs, DEFAULTS);
  });

  it('A4: delete with an unknown exporter names it and deletes nothing', () => {
    const exporters = [exporter('192.0.2.1'), exporter('192.0.2.1:9'), exporter('[2001:db8::2]:1')];
    assert.throws(() => mergeChange(CURRENT, { ...NO_CHANGE, deleted: exporters }), {
      code: 'NOT_FOUND',
      message: 'no rule for exporter 192.0.2.1:9, [2001:db8::2]:1',
    });
  });

  it('A4: an exporter named twice is deleted once', () => {
    const exporters = [exporter('192.0.2.1'), exporter('192.0.2.1')];
    const merged = mergeChange(CURRENT, { ...NO_CHANGE, deleted: exporters });
    assert.equal(merged.rules.length, 2);
  });

  it('deletes before it adds: a rule that is in both goes to the end', () => {
    const next = rule('192.0.2.1', ['192.0.2.99']);
    const edit = { kind: 'edit', deleted: [A.exporter, B.exporter], upserts: [next] } as const;
    assert.deepEqual(mergeChange(CURRENT, edit), ruleSet([A_PORT, next], DEFAULTS));
  });
});
