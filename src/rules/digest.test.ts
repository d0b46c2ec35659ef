import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fieldChanges } from '../../test/support/arbitrary-rules.ts';
import { outputs, rule, ruleSet } from '../../test/support/rule-sets.ts';
import { EMPTY_RULE_SET, type RuleSet } from '../model/rules.ts';
import { hashRules, isSameRule, ruleSetDigest } from './digest.ts';

const base = () =>
  ruleSet(
    [
      rule('192.0.2.1', ['198.51.100.1', '198.51.100.2']),
      rule('192.0.2.2', ['198.51.100.1'], ['198.51.100.2']),
    ],
    outputs(['198.51.100.9:9995']),
  );

test('rule sets that are equal in content have one digest, whatever objects they are made of', async () => {
  const [one, other] = [base(), base()];
  await hashRules(one.rules);
  assert.equal(ruleSetDigest(one), ruleSetDigest(other));
  assert.match(ruleSetDigest(one), /^[0-9a-f]{64}$/);
  assert.ok(one.rules[0] && other.rules[0] && isSameRule(one.rules[0], other.rules[0]));
});

test('every difference between rule sets is one of their digests', () => {
  const [first, second] = base().rules;
  assert.ok(first && second);
  const { defaultOutputs } = base();
  const variants: RuleSet[] = [
    EMPTY_RULE_SET,
    base(),
    ruleSet([second, first], defaultOutputs),
    ruleSet([first], defaultOutputs),
    ruleSet([first, second]),
    ruleSet([first, second], outputs(['198.51.100.9'])),
    ruleSet([first, second], outputs(['198.51.100.9:9995'], ['198.51.100.9:9995'])),
    ruleSet([rule('192.0.2.1:1', ['198.51.100.1', '198.51.100.2']), second], defaultOutputs),
    ruleSet([rule('192.0.2.1', ['198.51.100.1'], ['198.51.100.2']), second], defaultOutputs),
    ruleSet([rule('192.0.2.1', ['198.51.100.2', '198.51.100.1']), second], defaultOutputs),
    ruleSet([rule('192.0.2.1'), second], defaultOutputs),
  ];
  assert.equal(new Set(variants.map(ruleSetDigest)).size, variants.length);
});

for (const { field, pairs } of fieldChanges) {
  test(`a change of ${field} alone changes the digest`, () => {
    fc.assert(
      fc.property(pairs, ([before, after]) => {
        assert.notEqual(ruleSetDigest(before), ruleSetDigest(after));
      }),
    );
  });
}
