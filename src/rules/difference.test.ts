import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { exporter, outputs, rule, ruleSet } from '../../test/support/rule-sets.ts';
import { EMPTY_RULE_SET, type RuleSet } from '../model/rules.ts';
import { changeBetween, differenceOf } from './difference.ts';
import { mergeChange } from './merge.ts';

const r = (last: number, ...collectors: readonly string[]) =>
  rule(`192.0.2.${last}`, ...(collectors.length === 0 ? [] : [collectors]));

describe('changeBetween()', () => {
  it('is an update when rules are added or get new outputs', () => {
    const change = changeBetween(
      ruleSet([r(1), r(2), r(3)]),
      ruleSet([r(1), r(2, '198.51.100.1'), r(3), r(4)]),
    );
    assert.deepEqual(change, { kind: 'update', rules: [r(2, '198.51.100.1'), r(4)] });
  });

  it('is an update that says so when default outputs go', () => {
    const change = changeBetween(ruleSet([r(1)], outputs(['198.51.100.1'])), ruleSet([r(1)]));
    assert.deepEqual(change, { kind: 'update', rules: [], defaultOutputs: [] });
  });

  it('is a deletion when rules are gone and nothing else is different', () => {
    const change = changeBetween(ruleSet([r(1), r(2), r(3)]), ruleSet([r(2)]));
    assert.deepEqual(change, {
      kind: 'delete',
      exporters: [exporter('192.0.2.1'), exporter('192.0.2.3')],
    });
  });

  it('is a replacement when rules are gone and others are new, so that it is one change', () => {
    const to = ruleSet([r(2), r(3)]);
    assert.deepEqual(changeBetween(ruleSet([r(1), r(2)]), to), { kind: 'replace', ruleSet: to });
  });

  it('is a replacement when rules changed places', () => {
    const to = ruleSet([r(2), r(1)]);
    assert.equal(differenceOf(ruleSet([r(1), r(2)]), to), undefined);
    assert.deepEqual(changeBetween(ruleSet([r(1), r(2)]), to), { kind: 'replace', ruleSet: to });
  });
});

const anyRuleSet: fc.Arbitrary<RuleSet> = fc
  .record({
    rules: fc.uniqueArray(
      fc.record({
        last: fc.integer({ min: 1, max: 8 }),
        collector: fc.integer({ min: 0, max: 2 }),
      }),
      { selector: ({ last }) => last },
    ),
    defaults: fc.integer({ min: 0, max: 2 }),
  })
  .map(({ rules, defaults }) =>
    ruleSet(
      rules.map(({ last, collector }) =>
        r(last, ...(collector ? [`198.51.100.${collector}`] : [])),
      ),
      defaults === 0 ? [] : outputs([`198.51.100.${defaults}`]),
    ),
  );

describe('any two rule sets', () => {
  it('the change between them, applied to the first, gives the second, order included', () => {
    fc.assert(
      fc.property(anyRuleSet, anyRuleSet, (from, to) => {
        assert.deepEqual(mergeChange(from, changeBetween(from, to)), to);
      }),
    );
  });

  it('the difference, applied as deletion and update, gives the second, order included', () => {
    fc.assert(
      fc.property(anyRuleSet, anyRuleSet, (from, to) => {
        const difference = differenceOf(from, to);
        if (difference === undefined) return;
        const { deleted, upserts, defaultOutputs } = difference;
        const rest = mergeChange(from, { kind: 'delete', exporters: deleted });
        const made = mergeChange(rest, {
          kind: 'update',
          rules: upserts,
          ...(defaultOutputs && { defaultOutputs }),
        });
        assert.deepEqual(made, to);
      }),
    );
  });

  it('from nothing everything is new', () => {
    const to = ruleSet([r(1), r(2)], outputs(['198.51.100.1']));
    assert.deepEqual(differenceOf(EMPTY_RULE_SET, to), {
      deleted: [],
      upserts: to.rules,
      defaultOutputs: to.defaultOutputs,
    });
  });
});
