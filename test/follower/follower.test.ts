/** Two nodes, one rule set: a leader and its follower, with the real API between them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RuleChange } from '../../src/model/rules.ts';
import { waitFor } from '../lab/shell.ts';
import { exporter, host, outputs, ruleSet } from '../support/rule-sets.ts';
import { Cable } from './cable.ts';
import { follow, Node } from './node.ts';
import { add, catchesUp, pair, r } from './pair.ts';

test('a follower gets the rules of its leader, and each change', async () => {
  await using resources = new AsyncDisposableStack();
  const { leader, follower } = await pair(resources);
  const changes: RuleChange[] = [
    add(2, 3),
    {
      kind: 'edit',
      deleted: [],
      upserts: [r(1, '198.51.100.7')],
      defaultOutputs: outputs(['198.51.100.9']),
    },
    { kind: 'edit', deleted: [exporter('192.0.2.2')], upserts: [] },
    { kind: 'edit', deleted: [], upserts: [], defaultOutputs: [] },
    { kind: 'replace', ruleSet: ruleSet([r(3), r(1), r(4, '198.51.100.1')]) },
    { kind: 'replace', ruleSet: ruleSet([]) },
  ];
  for (const change of changes) {
    await leader.control.change(change);
    await catchesUp(follower, leader);
    assert.deepEqual(follower.control.rules().ruleSet, leader.control.rules().ruleSet);
  }
  const { isConnected, leaderRevision, appliedRevision, isOverridden, error } = follower.following;
  assert.deepEqual(
    { isConnected, leaderRevision, appliedRevision, isOverridden, error },
    {
      isConnected: true,
      leaderRevision: 7,
      appliedRevision: 7,
      isOverridden: false,
      error: undefined,
    },
  );
  assert.ok(follower.following.secondsSinceContact !== undefined);
});

test('each revision is one change here, and an edit, so that the rest keeps its counters', async () => {
  await using resources = new AsyncDisposableStack();
  const { leader, follower } = await pair(resources);
  await leader.control.change(add(2));
  await follower.hasRulesOf(leader);
  await leader.control.change({ kind: 'edit', deleted: [exporter('192.0.2.1')], upserts: [] });
  await follower.hasRulesOf(leader);
  const kinds = follower.logged.flatMap(({ kind }) => (kind === undefined ? [] : [kind]));
  assert.deepEqual(kinds, ['edit', 'edit', 'edit']);
  assert.equal(follower.published.length, 4, 'the restored rules and three changes');
});

test('many changes: never an older rule set after a newer one, and the last one arrives', async () => {
  await using resources = new AsyncDisposableStack();
  const { leader, follower } = await pair(resources);
  for (let i = 2; i <= 120; i++) await leader.control.change(add(i));
  await catchesUp(follower, leader);
  const sizes = follower.published.map(({ rules }) => rules.length);
  assert.deepEqual(
    sizes,
    sizes.toSorted((a, b) => a - b),
  );
  assert.equal(sizes.at(-1), 120);
});

test('rules that are the same already are not applied again: the revision is noted', async () => {
  await using resources = new AsyncDisposableStack();
  const { leader, cable, follower } = await pair(resources);
  const before = follower.published.length;
  cable.state = 'breaks';
  await waitFor('it is disconnected', () => !follower.following.isConnected);
  const { ruleSet: first } = leader.control.rules();
  await leader.control.change(add(2));
  await leader.control.change({ kind: 'replace', ruleSet: first });
  cable.state = 'passes';
  await catchesUp(follower, leader);
  assert.equal(follower.following.appliedRevision, 3);
  assert.equal(follower.published.length, before);
  assert.equal(follower.control.rules().revision, 1);
});

test('V4: rules that do not fit the follower are reported, the old ones stay, and the next revision is tried', async () => {
  await using resources = new AsyncDisposableStack();
  const leader = resources.use(await Node.start());
  await leader.control.change(add(1));
  const hostAddresses = () => host(['198.51.100.99']);
  const follower = resources.use(await Node.start({ follow: follow(leader), hostAddresses }));
  await follower.hasRulesOf(leader);
  const bad = { kind: 'edit', deleted: [], upserts: [r(2, '198.51.100.99:2055')] } as const;
  await leader.control.change(bad);
  await waitFor('the error is shown', () => follower.following.error);
  assert.match(
    follower.following.error ?? '',
    /revision 2 of the leader cannot be put in force here: rules\[0\]\.outputs\[0\]/,
  );
  assert.deepEqual([follower.following.lagRevisions, follower.following.appliedRevision], [1, 1]);
  assert.equal(follower.control.rules().ruleSet.rules.length, 1);
  await leader.control.change(add(3));
  await waitFor('it lags by two', () => follower.following.lagRevisions === 2);
  assert.equal(follower.control.rules().ruleSet.rules.length, 1);
  await leader.control.change(add(2));
  await catchesUp(follower, leader);
  assert.equal(follower.following.error, undefined);
  assert.equal(follower.control.rules().ruleSet.rules.length, 3);
});

test('rules that did not fit are tried again: they are in force when the host has changed', async () => {
  await using resources = new AsyncDisposableStack();
  const leader = resources.use(await Node.start());
  await leader.control.change({
    kind: 'replace',
    ruleSet: ruleSet([r(2, '198.51.100.99:2055')]),
  });
  let addresses = ['198.51.100.99'];
  const follower = resources.use(
    await Node.start({ follow: follow(leader), hostAddresses: () => host(addresses) }),
  );
  await waitFor('the error is shown', () => follower.following.lagRevisions === 1);
  addresses = [];
  await follower.hasRulesOf(leader);
  assert.equal(follower.following.error, undefined);
});

test('A13: local changes are refused with the name of the leader, unless they are meant', async () => {
  await using resources = new AsyncDisposableStack();
  const { leader, cable, follower } = await pair(resources);
  const change = add(50);
  await assert.rejects(follower.served.change(change), {
    code: 'FOLLOWER',
    message: new RegExp(
      `follows 127\\.0\\.0\\.1:${cable.port}: .*collector-override-follower: true`,
    ),
  });
  assert.equal(follower.control.rules().ruleSet.rules.length, 1);
  const made = await follower.served.change(change, undefined, { overrideFollower: true });
  assert.equal(made.revision, 2);
  assert.equal(follower.control.rules().ruleSet.rules.length, 2);
  assert.ok(follower.following.isOverridden);
  assert.equal(follower.following.lagRevisions, 0);
  assert.equal(leader.control.rules().ruleSet.rules.length, 1);
});

test('A42: a leader whose rules are replaced by the same tells nobody', async () => {
  await using resources = new AsyncDisposableStack();
  const { leader, follower } = await pair(resources);
  const before = follower.published.length;
  const same: RuleChange = { kind: 'replace', ruleSet: leader.control.rules().ruleSet };
  assert.equal((await leader.control.change(same)).revision, 1);
  await leader.control.change(add(2));
  await catchesUp(follower, leader);
  assert.equal(follower.following.appliedRevision, 2);
  assert.equal(follower.published.length, before + 1);
});

test('A42: a change here to what is in force here overrides nothing', async () => {
  await using resources = new AsyncDisposableStack();
  const { follower } = await pair(resources);
  const same: RuleChange = { kind: 'replace', ruleSet: follower.control.rules().ruleSet };
  const made = await follower.served.change(same, undefined, { overrideFollower: true });
  assert.equal(made.revision, 1);
  assert.ok(!follower.following.isOverridden);
});

test('a local change stays over heartbeats, a cut and a restart, until the rules of the leader change', async () => {
  await using resources = new AsyncDisposableStack();
  const { leader, cable, follower } = await pair(resources);
  await follower.served.change(add(50), undefined, { overrideFollower: true });
  cable.state = 'breaks';
  await waitFor('it is disconnected', () => !follower.following.isConnected);
  cable.state = 'passes';
  await waitFor('it is connected', () => follower.following.isConnected);
  const { folder } = follower;
  await follower.stop();
  const next = resources.use(await Node.start({ follow: follow(cable), folder }));
  await waitFor('it knows its leader', () => next.following.leaderRevision === 1);
  const heardAt = () => next.following.secondsSinceContact ?? 9;
  await waitFor('a heartbeat later', () => heardAt() > 0.3);
  await waitFor('a heartbeat later', () => heardAt() < 0.2);
  assert.equal(next.control.rules().ruleSet.rules.length, 2);
  assert.ok(next.following.isOverridden);
  await leader.control.change(add(2));
  await catchesUp(next, leader);
  assert.ok(!next.following.isOverridden);
});

test('a local change to what the leader has ends the override', async () => {
  await using resources = new AsyncDisposableStack();
  const { leader, follower } = await pair(resources);
  const overrideFollower = true;
  await follower.served.change(add(50), undefined, { overrideFollower });
  const back: RuleChange = { kind: 'replace', ruleSet: leader.control.rules().ruleSet };
  await follower.served.change(back, undefined, { overrideFollower });
  await waitFor('it is not overridden', () => !follower.following.isOverridden);
});

test('over a restart the follower knows what it has of its leader, also without it, and does not apply it again', async () => {
  await using resources = new AsyncDisposableStack();
  const { leader, cable, follower } = await pair(resources);
  await leader.control.change(add(2));
  await follower.hasRulesOf(leader);
  const { folder } = follower;
  await follower.stop();
  cable.state = 'breaks';
  const next = resources.use(await Node.start({ follow: follow(cable), folder }));
  const { isConnected, leaderRevision, appliedRevision, lagRevisions } = next.following;
  assert.deepEqual(
    [isConnected, leaderRevision, appliedRevision, lagRevisions],
    [false, undefined, 2, undefined],
  );
  assert.equal(next.control.rules().ruleSet.rules.length, 2);
  assert.equal(next.served.status().proxy.state, 'OK');
  cable.state = 'passes';
  await next.hasRulesOf(leader);
  assert.equal(next.published.length, 1, 'the restored rules');
});

test('a new follower is not OK before it has its first rules, so that it draws no traffic', async () => {
  await using resources = new AsyncDisposableStack();
  const leader = resources.use(await Node.start());
  await leader.control.change(add(1));
  const cable = resources.use(await Cable.lay(leader.port));
  cable.state = 'breaks';
  const follower = resources.use(await Node.start({ follow: follow(cable) }));
  const { state, error } = follower.served.status().proxy;
  assert.equal(state, 'Configuring');
  assert.match(error ?? '', new RegExp(`first rules of the leader 127\\.0\\.0\\.1:${cable.port}`));
  cable.state = 'passes';
  await follower.hasRulesOf(leader);
  assert.equal(follower.served.status().proxy.state, 'OK');
});

test('a node that had rules of its own takes those of its leader', async () => {
  await using resources = new AsyncDisposableStack();
  const leader = resources.use(await Node.start());
  await leader.control.change(add(1));
  const alone = resources.use(await Node.start());
  for (const last of [7, 8, 9]) await alone.control.change(add(last));
  const { folder } = alone;
  await alone.stop();
  const follower = resources.use(await Node.start({ follow: follow(leader), folder }));
  await follower.hasRulesOf(leader);
  assert.equal(follower.control.rules().revision, 4, 'one change of its own');
});

test('rules that somebody changes here just then are not mixed with those of the leader', async () => {
  await using resources = new AsyncDisposableStack();
  const { leader, follower } = await pair(resources);
  const change = follower.control.change.bind(follower.control);
  let isInterrupted = false;
  follower.control.change = async (wanted, expected, options) => {
    if (!isInterrupted) await change(add(9));
    isInterrupted = true;
    return change(wanted, expected, options);
  };
  await leader.control.change(add(2));
  await waitFor('the rules of both are the same', () => follower.digest === leader.digest);
  assert.ok(isInterrupted);
});

/** Two ports that nothing listens on. */
async function freePorts(): Promise<[number, number]> {
  await using one = await Node.start();
  await using other = await Node.start();
  return [one.port, other.port];
}

test('nodes that follow each other, or a third one in a circle, notice it and change no rules', async () => {
  await using resources = new AsyncDisposableStack();
  const ports = [...(await freePorts()), (await freePorts())[0]];
  const folders: string[] = [];
  for (const last of [1, 2, 3]) {
    const alone = resources.use(await Node.start());
    await alone.control.change(add(last));
    folders.push(alone.folder);
    await alone.stop();
  }
  const nodes: Node[] = [];
  for (const [i, port] of ports.entries()) {
    const leader = { port: ports[(i + 1) % ports.length] ?? 0 };
    const folder = folders[i] ?? '';
    nodes.push(resources.use(await Node.start({ follow: follow(leader), port, folder })));
  }
  const errors = () => nodes.map((node) => node.following.error ?? '');
  await waitFor(
    () => `all notice it: ${errors()}`,
    () => errors().every((error) => /follows this node/.test(error)),
    20_000,
  );
  const revisions = () => nodes.map((node) => node.control.rules().revision);
  const before = revisions();
  await new Promise((resolve) => setTimeout(resolve, 2000));
  assert.deepEqual(revisions(), before);
  assert.ok(
    before.every((revision) => revision <= 4),
    `${before}`,
  );
});

test('a node that follows itself notices it', async () => {
  const [port] = await freePorts();
  await using node = await Node.start({ follow: follow({ port }), port });
  await waitFor('it notices', () => /this node itself/.test(node.following.error ?? ''));
});

test('a follower can be followed, and so on', async () => {
  await using resources = new AsyncDisposableStack();
  const { leader, follower } = await pair(resources);
  const third = resources.use(await Node.start({ follow: follow(follower) }));
  await leader.control.change(add(2));
  await catchesUp(follower, leader);
  await waitFor('the third has them', () => third.digest === leader.digest);
});
