import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Chain, FirewallEvent } from '../native/firewall.ts';
import { Chains } from './chains.ts';

const INET = 1;
const OUTPUT = 3;
const chain = (more: Partial<Chain> = {}): Chain => ({
  family: INET,
  table: 'filter',
  chain: 'output',
  hook: OUTPUT,
  accepts: true,
  rules: 0,
  ...more,
});
const { family, table, chain: name } = chain();
const rule: FirewallEvent = { kind: 'rule', family, table, chain: name };
const ruleGone: FirewallEvent = { ...rule, kind: 'rule gone' };
const generation = (number: number): FirewallEvent => ({ kind: 'generation', generation: number });

test('R29: a chain of output with rules, or a policy other than accept, is in the way', () => {
  const says = (...chains: Chain[]) => new Chains(chains, 1).obstacle('output');
  assert.equal(says(), undefined);
  assert.equal(says(chain()), undefined, 'one that does nothing is not');
  assert.equal(says(chain({ rules: 1 })), 'inet filter output');
  assert.equal(says(chain({ accepts: false })), 'inet filter output');
  assert.equal(
    says(chain(), chain({ hook: 4, chain: 'post', family: 10, rules: 2 })),
    'ip6 filter post',
  );
  for (const hook of [undefined, 0, 1, 2, 5])
    assert.equal(says(chain({ hook, rules: 5 })), undefined);
  for (const other of [3, 5, 7]) assert.equal(says(chain({ family: other, rules: 5 })), undefined);
});

test('R29: what is announced counts once it is true', () => {
  const chains = new Chains([chain()], 7);
  chains.take([rule]);
  assert.equal(chains.obstacle('output'), undefined);
  chains.take([generation(8)]);
  assert.equal(chains.obstacle('output'), 'inet filter output');
  chains.take([rule, generation(9), ruleGone, generation(10)]);
  assert.equal(chains.obstacle('output'), 'inet filter output', 'one of two is left');
  chains.take([ruleGone, generation(11)]);
  assert.equal(chains.obstacle('output'), undefined);
});

test('what was announced before the chains were listed is in them', () => {
  const chains = new Chains([chain({ rules: 1 })], 7);
  chains.take([rule, generation(7), ruleGone, generation(8)]);
  assert.equal(chains.obstacle('output'), undefined);
});

test('numbers of generations begin anew', () => {
  const chains = new Chains([chain()], 0xffffffff);
  chains.take([rule, generation(0)]);
  assert.equal(chains.obstacle('output'), 'inet filter output');
});

test('a chain is announced with its rules, which are announced besides', () => {
  const chains = new Chains([], 1);
  chains.take([
    { kind: 'chain', ...chain({ rules: 1 }) },
    rule,
    generation(2),
    ruleGone,
    generation(3),
  ]);
  assert.equal(chains.obstacle('output'), undefined);
  chains.take([
    rule,
    { kind: 'chain', ...chain({ accepts: false, rules: undefined }) },
    generation(4),
  ]);
  assert.equal(chains.obstacle('output'), 'inet filter output');
  chains.take([ruleGone, { kind: 'chain', ...chain({ rules: 0 }) }, generation(5)]);
  assert.equal(chains.obstacle('output'), undefined);
});

test('chains and tables go with their rules', () => {
  const chains = new Chains([chain({ rules: 3 }), chain({ table: 'other', rules: 1 })], 1);
  chains.take([{ kind: 'chain gone', family, table, chain: name }, generation(2)]);
  assert.equal(chains.obstacle('output'), 'inet other output');
  chains.take([rule, generation(3)]);
  assert.equal(
    chains.obstacle('output'),
    'inet other output',
    'a rule of a chain that is not known',
  );
  chains.take([{ kind: 'table gone', family, table: 'other' }, generation(4)]);
  assert.equal(chains.obstacle('output'), undefined);
});
