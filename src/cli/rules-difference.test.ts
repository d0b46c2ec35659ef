import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fieldChanges } from '../../test/support/arbitrary-rules.ts';
import { outputs, pipelineOutputs, rule, ruleSet } from '../../test/support/rule-sets.ts';
import { compareRuleSets } from './rules-difference.ts';

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
  assert.deepEqual(compareRuleSets(from, to), {
    added: 1,
    removed: 2,
    changed: 1,
    lines: [
      'changed 192.0.2.2:1000:',
      '  - 198.51.100.1:9995 | 198.51.100.2:9995',
      '  + 198.51.100.1:9995; 198.51.100.2:9995',
      'added 2001:db8::1: none, its packets are dropped',
      'removed 192.0.2.3: 198.51.100.1',
      'removed default outputs: 198.51.100.9',
    ],
  });
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
  assert.deepEqual(compareRuleSets(from, to), { lines: [], added: 0, removed: 0, changed: 0 });
});

test('R16: a collector with a weight is printed with it', () => {
  const [light] = outputs(['198.51.100.1:9995', '198.51.100.2']);
  assert.ok(light);
  const collectors = light.collectors.map((collector, i) => ({ ...collector, weight: i + 1 }));
  const from = ruleSet([], [light]);
  assert.deepEqual(compareRuleSets(from, ruleSet([], [{ ...light, collectors }])).lines, [
    'changed default outputs:',
    '  - 198.51.100.1:9995 | 198.51.100.2',
    '  + 198.51.100.1:9995 | 198.51.100.2 weight: 2',
  ]);
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
        assert.notDeepEqual(compareRuleSets(before, after).lines, []);
      }),
    );
  });
}

test('R17: an output that names a pipeline is printed by its name', () => {
  const from = ruleSet([], [...outputs(['198.51.100.1:9995']), ...pipelineOutputs('archive')]);
  assert.deepEqual(compareRuleSets(from, ruleSet([], pipelineOutputs('edge'))).lines, [
    'changed default outputs:',
    '  - 198.51.100.1:9995; pipeline: "archive"',
    '  + pipeline: "edge"',
  ]);
});
