import assert from 'node:assert/strict';
import { test } from 'node:test';
import { outputs, rule } from '../../test/support/rule-sets.ts';
import type { Rule, RuleChange } from '../model/rules.ts';
import { reportChange } from './change-report.ts';

const [A, B, C] = [rule('192.0.2.1'), rule('192.0.2.2'), rule('192.0.2.3')];

function at(revision: number, ...rules: Rule[]) {
  return { revision, ruleSet: { rules, defaultOutputs: [] } };
}

const EDIT: RuleChange = { kind: 'edit', deleted: [A.exporter], upserts: [B, C] };

test('an edit tells what was added, replaced and deleted, and how many rules there are', () => {
  assert.deepEqual(reportChange(EDIT, at(6, A, B), at(7, B, C), 7), {
    added: 1,
    replaced: 1,
    deleted: 1,
    rules: 2,
  });
});

test('a replacement tells how many rules there were: 0 where there were many is seen', () => {
  const ruleSet = { rules: [], defaultOutputs: outputs(['192.0.2.9']) };
  assert.deepEqual(reportChange({ kind: 'replace', ruleSet }, at(6, A, B), at(7), 7), {
    rules: 0,
    rulesBefore: 2,
    defaultOutputs: 1,
    defaultOutputsBefore: 0,
  });
});

test('what another change has blurred is left out', () => {
  const ruleSet = { rules: [A], defaultOutputs: [] };
  const replaced = reportChange({ kind: 'replace', ruleSet }, at(5, A, B), at(7, A), 7);
  assert.deepEqual(replaced, { rules: 1, defaultOutputs: 0 });
  const late = { addedOrReplaced: 2, deleted: 1 };
  assert.deepEqual(reportChange(EDIT, at(5, A), at(7, B, C), 7), { ...late, rules: 2 });
  assert.deepEqual(reportChange(EDIT, at(6, A, B), at(8), 7), late);
});
