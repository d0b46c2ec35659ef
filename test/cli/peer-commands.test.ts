/** `floxy rules pull` and `floxy rules diff` between two nodes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { follow, Node } from '../follower/node.ts';
import { outputs, rule, ruleSet } from '../support/rule-sets.ts';
import { startFakeApi } from './fake-api.ts';
import { runFloxy } from './fake-terminal.ts';

const HERE = ruleSet(
  [rule('192.0.2.1', ['198.51.100.1']), rule('192.0.2.3')],
  outputs(['198.51.100.9']),
);
const THERE = ruleSet(
  [rule('192.0.2.1', ['198.51.100.1', '2001:db8::1']), rule('192.0.2.2:1000', ['198.51.100.1'])],
  outputs(['198.51.100.9']),
);
const DIFFERENCE = `~ 192.0.2.1       - 198.51.100.1  + 198.51.100.1 | 2001:db8::1
+ 192.0.2.2:1000  198.51.100.1
- 192.0.2.3       none, its packets are dropped
1 added, 1 removed, 1 changed
`;

async function nodeWith(rules: typeof HERE): Promise<Node> {
  const node = await Node.start();
  await node.control.change({ kind: 'replace', ruleSet: rules });
  return node;
}

const rules = (here: Node, ...args: string[]) =>
  runFloxy(['--api', here.address, 'rules', ...args]);

test('diff prints what is different and exits with 1; it changes nothing', async () => {
  await using here = await nodeWith(HERE);
  await using there = await nodeWith(THERE);
  const run = await rules(here, 'diff', '--with', there.address);
  assert.deepEqual(run, { exitCode: 1, output: DIFFERENCE, errors: '' });
  assert.deepEqual([here.control.rules().revision, there.control.rules().revision], [1, 1]);
});

test('diff exits with 0 when the rules are the same, whatever their order', async () => {
  await using here = await nodeWith(HERE);
  const turned = { ...HERE, rules: HERE.rules.toReversed() };
  await using there = await nodeWith(turned);
  const run = await rules(here, 'diff', '--with', there.address);
  assert.deepEqual(run, { exitCode: 0, output: 'no difference\n', errors: '' });
});

test('diff exits with 2 or 3 when it cannot tell', async () => {
  await using here = await nodeWith(HERE);
  await using refusing = await startFakeApi({ code: status.UNAVAILABLE, details: 'not now' });
  const refused = await rules(here, 'diff', '--with', `127.0.0.1:${refusing.port}`);
  assert.equal(refused.exitCode, 3);
  assert.match(
    refused.errors,
    new RegExp(`127\\.0\\.0\\.1:${refusing.port}: UNAVAILABLE: not now`),
  );
  const gone = await nodeWith(THERE);
  const { address } = gone;
  await gone[Symbol.asyncDispose]();
  const unreachable = await rules(here, 'diff', '--with', address);
  assert.equal(unreachable.exitCode, 3);
  assert.ok(unreachable.errors.includes(address));
  assert.equal((await rules(here, 'diff')).exitCode, 2);
  assert.equal((await rules(here, 'diff', '--with', 'a b')).exitCode, 2);
});

test('pull makes the rules here those of the other node, and prints what changed', async () => {
  await using here = await nodeWith(HERE);
  await using there = await nodeWith(THERE);
  const run = await rules(here, 'pull', '--from', there.address, '--revision');
  assert.deepEqual(run, { exitCode: 0, output: DIFFERENCE, errors: 'revision: 2\n' });
  assert.deepEqual(here.control.rules().ruleSet, THERE);
  assert.equal(there.control.rules().revision, 1);
  const again = await rules(here, 'pull', '--from', there.address);
  assert.deepEqual(again, { exitCode: 0, output: 'no difference\n', errors: '' });
  assert.equal(here.control.rules().revision, 2);
});

test('pull takes no empty rule set unless that is meant', async () => {
  await using here = await nodeWith(HERE);
  await using there = await Node.start();
  const refused = await rules(here, 'pull', '--from', there.address);
  assert.equal(refused.exitCode, 2);
  assert.match(refused.errors, /has neither rules nor default outputs: pass --allow-empty/);
  assert.deepEqual(here.control.rules().ruleSet, HERE);
  const meant = await rules(here, 'pull', '--from', there.address, '--allow-empty');
  assert.equal(meant.exitCode, 0);
  assert.match(meant.output, /^0 added, 3 removed, 0 changed$/m);
  assert.equal(here.control.rules().ruleSet.rules.length, 0);
});

test('a follower refuses pull and replace and names its leader, unless --override-follower is given', async () => {
  await using leader = await nodeWith(HERE);
  await using here = await Node.start({ follow: follow(leader) });
  await here.hasRulesOf(leader);
  await using there = await nodeWith(THERE);
  const pull = ['pull', '--from', there.address];
  const refused = await rules(here, ...pull);
  assert.equal(refused.exitCode, 1);
  assert.ok(refused.errors.includes(`FAILED_PRECONDITION: this node follows ${leader.address}`));
  assert.deepEqual(here.control.rules().ruleSet, HERE);
  assert.equal((await rules(here, 'delete', '192.0.2.1')).exitCode, 1);
  const meant = await rules(here, ...pull, '--override-follower');
  assert.deepEqual([meant.exitCode, meant.errors], [0, '']);
  assert.deepEqual(here.control.rules().ruleSet, THERE);
  const deleted = await rules(here, 'delete', '192.0.2.1', '--override-follower');
  assert.equal(deleted.exitCode, 0);
  const status = await runFloxy(['--api', here.address, 'status', '-o', 'text']);
  assert.match(status.output, /follower: \{.*state: Connected.*overridden: true/);
  assert.ok(status.output.includes(`leader: "${leader.address}"`));
});
