import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { arbitraryRuleSet, fieldChanges } from '../../test/support/arbitrary-rules.ts';
import { endpoint, exporter, outputs, rule, ruleSet } from '../../test/support/rule-sets.ts';
import { EMPTY_RULE_SET } from '../model/rules.ts';
import { changeBetween } from './difference.ts';
import { mergeChange } from './merge.ts';

const r = (last: number, ...collectors: readonly string[]) =>
  rule(`192.0.2.${last}`, ...(collectors.length === 0 ? [] : [collectors]));

const NOTHING = { kind: 'edit', deleted: [], upserts: [] } as const;

describe('changeBetween()', () => {
  it('adds rules, and gives others new outputs', () => {
    const change = changeBetween(
      ruleSet([r(1), r(2), r(3)]),
      ruleSet([r(1), r(2, '198.51.100.1'), r(3), r(4)]),
    );
    assert.deepEqual(change, { ...NOTHING, upserts: [r(2, '198.51.100.1'), r(4)] });
  });

  it('says so when default outputs go', () => {
    const change = changeBetween(ruleSet([r(1)], outputs(['198.51.100.1'])), ruleSet([r(1)]));
    assert.deepEqual(change, { ...NOTHING, defaultOutputs: [] });
  });

  it('is an edit of two rules when one of many exporters is swapped', () => {
    const change = changeBetween(ruleSet([r(1), r(2), r(3)]), ruleSet([r(1), r(3), r(4)]));
    assert.deepEqual(change, { kind: 'edit', deleted: [exporter('192.0.2.2')], upserts: [r(4)] });
  });

  it('is an empty edit between equal sets', () => {
    assert.deepEqual(changeBetween(ruleSet([r(1)]), ruleSet([r(1)])), NOTHING);
  });

  it('is a replacement when rules changed places', () => {
    const to = ruleSet([r(2), r(1)]);
    assert.deepEqual(changeBetween(ruleSet([r(1), r(2)]), to), { kind: 'replace', ruleSet: to });
  });

  it('from nothing everything is new', () => {
    const to = ruleSet([r(1), r(2)], outputs(['198.51.100.1']));
    assert.deepEqual(changeBetween(EMPTY_RULE_SET, to), {
      ...NOTHING,
      upserts: to.rules,
      defaultOutputs: to.defaultOutputs,
    });
  });
});

/** Few exporters and collectors: two of them have much in common. */
const fewRules = arbitraryRuleSet({
  exporters: fc.constantFrom(
    ...[1, 2, 3, 4, 5, 6, 7, 8].map((last) => endpoint(`192.0.2.${last}`)),
  ),
  collectors: fc.constantFrom(...[1, 2].map((last) => endpoint(`198.51.100.${last}`))),
});

describe('any two rule sets', () => {
  it('the change between them, applied to the first, gives the second, order included', () => {
    fc.assert(
      fc.property(fewRules, fewRules, (from, to) => {
        assert.deepEqual(mergeChange(from, changeBetween(from, to)), to);
      }),
    );
  });

  for (const { field, pairs } of fieldChanges) {
    it(`a change of ${field} alone is found`, () => {
      fc.assert(
        fc.property(pairs, ([from, to]) => {
          assert.deepEqual(mergeChange(from, changeBetween(from, to)), to);
        }),
      );
    });
  }
});
