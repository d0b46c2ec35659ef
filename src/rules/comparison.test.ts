import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { arbitraryRuleSet, fieldChanges } from '../../test/support/arbitrary-rules.ts';
import { endpoint, outputs, rule, ruleSet } from '../../test/support/rule-sets.ts';
import { exporterKey, type RuleSet } from '../model/rules.ts';
import { canonicaliseRuleSet } from './canonicalise.ts';
import { compareRules, isNoDifference, type RulesDifference } from './comparison.ts';
import { ruleMessage } from './message.ts';

/** Exporters by name. */
function named({ added, removed, changed, ...rest }: RulesDifference) {
  const names = (list: RulesDifference['added']) => list.map(exporterKey).sort();
  return { added: names(added), removed: names(removed), changed: names(changed), ...rest };
}

const compare = async (from: RuleSet, to: RuleSet) => named(await compareRules(from, to));

const NONE = {
  added: [],
  removed: [],
  changed: [],
  areDefaultOutputsChanged: false,
  isReordered: false,
};

const r = (last: number, ...collectors: readonly string[]) =>
  rule(`192.0.2.${last}`, ...(collectors.length === 0 ? [] : [collectors]));

describe('compareRules()', () => {
  it('names what is new, gone and other, and says of default outputs that they are others', async () => {
    const from = ruleSet([r(1), r(2), r(3), r(4)]);
    const to = ruleSet([r(1), r(3, '198.51.100.1'), r(4), r(5)], outputs(['198.51.100.1']));
    assert.deepEqual(await compare(from, to), {
      ...NONE,
      added: ['192.0.2.5'],
      removed: ['192.0.2.2'],
      changed: ['192.0.2.3'],
      areDefaultOutputsChanged: true,
    });
  });

  it('tells rules that changed places from those between which others came or went', async () => {
    const from = ruleSet([r(1), r(2), r(3)]);
    const order = async (...rules: number[]) =>
      (await compare(from, ruleSet(rules.map((last) => r(last))))).isReordered;
    assert.equal(await order(9, 1, 2, 3), false);
    assert.equal(await order(1, 9, 3), false);
    assert.equal(await order(2, 1, 3), true);
    assert.equal(await order(9, 3, 2), true);
  });

  it('takes equal rules that are other objects for the same', async () => {
    const message = { rules: [ruleMessage(r(1, '198.51.100.1', '198.51.100.2'), 'text')] };
    const read = () => canonicaliseRuleSet(message);
    assert.ok(isNoDifference(await compareRules(read(), read())));
  });
});

/** Few exporters: two sets have many in common. */
const fewRules = arbitraryRuleSet({
  exporters: fc.constantFrom(...[1, 2, 3, 4, 5, 6].map((last) => endpoint(`192.0.2.${last}`))),
  collectors: fc.constantFrom(...[1, 2].map((last) => endpoint(`198.51.100.${last}`))),
});

describe('any two rule sets', () => {
  it('are compared as one would by hand', async () => {
    await fc.assert(
      fc.asyncProperty(fewRules, fewRules, async (from, to) => {
        const old = new Map(from.rules.map((rule) => [exporterKey(rule.exporter), rule]));
        const present = new Map(to.rules.map((rule) => [exporterKey(rule.exporter), rule]));
        const common = [...old.keys()].filter((key) => present.has(key));
        const isChanged = (key: string) =>
          JSON.stringify(old.get(key)) !== JSON.stringify(present.get(key));
        const found = await compare(from, to);
        assert.deepEqual(found, {
          added: [...present.keys()].filter((key) => !old.has(key)).sort(),
          removed: [...old.keys()].filter((key) => !present.has(key)).sort(),
          changed: common.filter(isChanged).sort(),
          areDefaultOutputsChanged:
            JSON.stringify(from.defaultOutputs) !== JSON.stringify(to.defaultOutputs),
          isReordered: common.join() !== [...present.keys()].filter((key) => old.has(key)).join(),
        });
      }),
    );
  });

  for (const { field, pairs } of fieldChanges) {
    it(`a change of ${field} alone is found`, async () => {
      await fc.assert(
        fc.asyncProperty(pairs, async ([from, to]) => {
          assert.ok(!isNoDifference(await compareRules(from, to)));
        }),
      );
    });
  }
});
