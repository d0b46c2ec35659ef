import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exporter, outputs, rule, ruleSet } from '../../test/support/rule-sets.ts';
import { EMPTY_RULE_SET, type RuleSet } from '../model/rules.ts';
import { compareRules } from '../rules/comparison.ts';
import { reportChange, titleOf } from './change-report.ts';

async function resultOf(from: RuleSet, to: RuleSet) {
  return { revision: 7, difference: await compareRules(from, to) };
}

const [A, B, C] = [rule('192.0.2.1'), rule('192.0.2.2:9'), rule('2001:db8::3')];

test('A43: a small change tells the exporters, and how many rules there are', async () => {
  const other = rule('192.0.2.2:9', ['198.51.100.1']);
  const result = await resultOf(ruleSet([A, B]), ruleSet([other, C]));
  assert.deepEqual(reportChange(result, 2), {
    added: 1,
    removed: 1,
    changed: 1,
    exporters: '+2001:db8::3 -192.0.2.1 ~192.0.2.2:9',
    rules: 2,
  });
});

test('A43: a large one tells their number: that all rules went is seen', async () => {
  const rules = Array.from({ length: 11 }, (_, i) => ({
    exporter: exporter(`192.0.2.${i}`),
    outputs: [],
  }));
  const result = await resultOf(ruleSet(rules, outputs(['198.51.100.1'])), EMPTY_RULE_SET);
  assert.deepEqual(reportChange(result, undefined), {
    added: 0,
    removed: 11,
    changed: 0,
    defaultOutputs: 'changed',
  });
});

test('A43: another order, and nothing at all, are told as such', async () => {
  const turned = await resultOf(ruleSet([A, B]), ruleSet([B, A]));
  const none = { added: 0, removed: 0, changed: 0 };
  assert.deepEqual(reportChange(turned, 2), { ...none, order: 'changed', rules: 2 });
  assert.equal(titleOf(turned), 'rules changed');
  const same = await resultOf(ruleSet([A, B]), ruleSet([A, B]));
  assert.deepEqual(reportChange(same, 2), { ...none, rules: 2 });
  assert.equal(titleOf(same), 'rules changed by nothing');
});
