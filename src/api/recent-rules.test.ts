import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rule, ruleSet } from '../../test/support/rule-sets.ts';
import { RecentRules } from './recent-rules.ts';

const three = () => ruleSet([rule('192.0.2.1'), rule('192.0.2.2'), rule('192.0.2.3')]);

test('rule sets are found by their digest, until newer ones take their room', () => {
  const recent = new RecentRules(7);
  const [a, b, c] = [three(), three(), three()];
  recent.remember('a', a);
  recent.remember('b', b);
  assert.deepEqual([recent.find('a'), recent.find('x')], [a, undefined]);
  recent.remember('a', a);
  recent.remember('c', c);
  assert.equal(recent.find('b'), undefined, 'the one that was not told for the longest time');
  assert.deepEqual([recent.find('a'), recent.find('c')], [a, c]);
});

test('the newest is kept, however large, and small ones are no more than 64', () => {
  const recent = new RecentRules(2);
  recent.remember('large', three());
  assert.ok(recent.find('large'));
  for (let i = 0; i < 65; i++) recent.remember(`empty ${i}`, ruleSet([]));
  assert.equal(recent.find('large'), undefined);
  assert.equal(recent.find('empty 0'), undefined);
  assert.ok(recent.find('empty 1'));
});
