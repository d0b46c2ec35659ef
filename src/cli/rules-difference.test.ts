import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fieldChanges } from '../../test/support/arbitrary-rules.ts';
import { outputs, pipelineOutputs, rule, ruleSet } from '../../test/support/rule-sets.ts';
import { compareRuleSets, printDifference } from './rules-difference.ts';

test('rules are told as added, removed or changed, by exporter', () => {
  const from = ruleSet(
    [
      rule('192.0.2.1', ['198.51.100.1']),
      rule('192.0.2.2:1000', ['198.51.100.1:9995', '198.51.100.2:9995']),
      rule('192.0.2.3', ['198.51.100.1']),
    ],
    outputs(['198.51.100.9']),
  );
  const to = ruleSet([
    rule('192.0.2.1', ['198.51.100.1']),
    rule('192.0.2.2:1000', ['198.51.100.1:9995'], ['198.51.100.2:9995']),
    rule('2001:db8::1'),
  ]);
  const difference = compareRuleSets(from, to);
  const { entries: _, ...counts } = difference;
  assert.deepEqual(counts, { added: 1, removed: 2, changed: 1 });
  assert.equal(
    printDifference(difference, (path) => `f:${path}`),
    `~ 192.0.2.2:1000   - 198.51.100.1:9995 | 198.51.100.2:9995  + 198.51.100.1:9995; 198.51.100.2:9995  (f:rules[1])
+ 2001:db8::1      none, its packets are dropped  (f:rules[2])
- 192.0.2.3        198.51.100.1
- default outputs  198.51.100.9
1 added, 2 removed, 1 changed
`,
  );
});

test('of a rule with many outputs only those are told that are others, each as often as it is there', () => {
  const before = ruleSet([rule('192.0.2.1', ['198.51.100.1'], ['198.51.100.2'], ['198.51.100.2'])]);
  const after = ruleSet([rule('192.0.2.1', ['198.51.100.2'], ['198.51.100.1'])]);
  assert.equal(
    printDifference(compareRuleSets(before, after)),
    '~ 192.0.2.1  - 198.51.100.2\n0 added, 0 removed, 1 changed\n',
  );
  assert.equal(
    printDifference(compareRuleSets(after, before)),
    '~ 192.0.2.1  + 198.51.100.2\n0 added, 0 removed, 1 changed\n',
  );
});

test('R1: the order of rules, outputs and collectors makes no difference', () => {
  const from = ruleSet(
    [rule('192.0.2.1', ['198.51.100.1', '198.51.100.2'], ['198.51.100.3']), rule('192.0.2.2')],
    outputs(['198.51.100.1'], ['198.51.100.2']),
  );
  const to = ruleSet(
    [rule('192.0.2.2'), rule('192.0.2.1', ['198.51.100.3'], ['198.51.100.2', '198.51.100.1'])],
    outputs(['198.51.100.2'], ['198.51.100.1']),
  );
  assert.deepEqual(compareRuleSets(from, to), { entries: [], added: 0, removed: 0, changed: 0 });
});

test('R16: a collector with a weight is printed with it', () => {
  const [light] = outputs(['198.51.100.1:9995', '198.51.100.2']);
  assert.ok(light);
  const collectors = light.collectors.map((collector, i) => ({ ...collector, weight: i + 1 }));
  const from = ruleSet([], [light]);
  const [changed] = compareRuleSets(from, ruleSet([], [{ ...light, collectors }])).entries;
  assert.equal(changed?.before, '198.51.100.1:9995 | 198.51.100.2');
  assert.equal(changed?.after, '198.51.100.1:9995 | 198.51.100.2 weight: 2');
});

test('one output twice is not the same as once', () => {
  const once = ruleSet([rule('192.0.2.1', ['198.51.100.1'])]);
  const twice = ruleSet([rule('192.0.2.1', ['198.51.100.1'], ['198.51.100.1'])]);
  assert.equal(compareRuleSets(once, twice).changed, 1);
});

for (const { field, pairs } of fieldChanges) {
  test(`a change of ${field} alone is told`, () => {
    fc.assert(
      fc.property(pairs, ([before, after]) => {
        assert.notDeepEqual(compareRuleSets(before, after).entries, []);
      }),
    );
  });
}

test('R17: an output that names a pipeline is printed by its name', () => {
  const from = ruleSet([], [...outputs(['198.51.100.1:9995']), ...pipelineOutputs('archive')]);
  const [changed] = compareRuleSets(from, ruleSet([], pipelineOutputs('edge'))).entries;
  assert.equal(changed?.before, '198.51.100.1:9995; pipeline: "archive"');
  assert.equal(changed?.after, 'pipeline: "edge"');
});
