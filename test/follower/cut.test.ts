/** A follower that is cut off from its leader, or whose leader is another when it comes back. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { waitFor } from '../lab/shell.ts';
import { tellTime } from '../lab/times.ts';
import { ruleSet } from '../support/rule-sets.ts';
import { Cable } from './cable.ts';
import { follow, Node } from './node.ts';
import { add, catchesUp, pair, r } from './pair.ts';

/** So long must nothing have been heard before a connection counts as cut. */
const SILENCE_MS = 3_000;
const NOTICE_LIMIT_MS = 4_500;
/** The leader may have been heard so long before the cut. */
const HEARTBEAT_MS = 500;
const CLOCK_MS = 100;
const STOP_LIMIT_MS = 500;

test('a connection that breaks: the follower says so, and has a change after its return', async () => {
  await using resources = new AsyncDisposableStack();
  const { leader, cable, follower } = await pair(resources);
  cable.state = 'breaks';
  await waitFor('it is disconnected', () => !follower.following.isConnected);
  assert.match(follower.following.error ?? '', /no connection to the leader 127\.0\.0\.1:\d+: /);
  await leader.control.change(add(2));
  await waitFor('several attempts', () => cable.made > 5);
  assert.equal(follower.control.rules().ruleSet.rules.length, 1, 'the last rules stay in force');
  cable.state = 'passes';
  await catchesUp(follower, leader);
  assert.equal(follower.following.error, undefined);
});

test('a connection that stalls without closing: noticed by the silence; a change is there after its return', async () => {
  await using resources = new AsyncDisposableStack();
  const { leader, cable, follower } = await pair(resources);
  const start = performance.now();
  cable.state = 'stalls';
  await leader.control.change(add(2));
  await waitFor('it is disconnected', () => !follower.following.isConnected);
  const noticedMs = performance.now() - start;
  assert.ok(
    noticedMs > SILENCE_MS - HEARTBEAT_MS - CLOCK_MS,
    `noticed after ${noticedMs} ms: nothing was amiss yet`,
  );
  tellTime('a follower notices that its leader is silent', noticedMs, NOTICE_LIMIT_MS);
  assert.match(follower.following.error ?? '', /nothing was heard for 3 s/);
  // Long enough that attempts are given up: a cut of ten minutes is no other.
  await waitFor('attempts', () => cable.made > 25);
  assert.ok(cable.open < 20, `${cable.open} connections are open, of ${cable.made} made`);
  assert.ok((follower.following.secondsSinceContact ?? 0) > 3);
  cable.state = 'passes';
  await catchesUp(follower, leader);
  await waitFor('one connection is left', () => cable.open === 1);
});

test('a short stall: a change made in it is there after its end, and nobody calls it a cut', async () => {
  await using resources = new AsyncDisposableStack();
  const { leader, cable, follower } = await pair(resources);
  const start = performance.now();
  cable.state = 'stalls';
  const before = cable.made;
  await leader.control.change(add(2));
  await waitFor('the leader is looked for', () => cable.made > before);
  cable.state = 'passes';
  await catchesUp(follower, leader);
  const silentMs = performance.now() - start;
  const messages = follower.logged.map(({ msg }) => msg);
  const isCalledCut = messages.includes('the leader is not heard');
  assert.ok(!isCalledCut || silentMs > SILENCE_MS, String(messages));
  await waitFor('one connection is left', () => cable.open === 1);
});

test('a leader that restarts is followed again; equal rules are not sent or applied again', async () => {
  await using resources = new AsyncDisposableStack();
  const { leader, cable, follower } = await pair(resources);
  const { folder } = leader;
  await leader.stop();
  await waitFor('it is disconnected', () => !follower.following.isConnected);
  const before = follower.published.length;
  const next = resources.use(await Node.start({ folder }));
  cable.leadTo(next.port);
  await waitFor('it is connected', () => follower.following.isConnected);
  await follower.hasRulesOf(next);
  assert.equal(follower.published.length, before);
  await next.control.change(add(2));
  await catchesUp(follower, next);
});

test('a leader with another history, whose revision numbers are the same or lower, is followed all the same', async () => {
  await using resources = new AsyncDisposableStack();
  const { leader, cable, follower } = await pair(resources);
  await leader.control.change(add(2));
  await follower.hasRulesOf(leader);
  await leader.stop();
  const other = resources.use(await Node.start());
  await other.control.change(add(8));
  await other.control.change(add(9));
  cable.leadTo(other.port);
  await catchesUp(follower, other);
  assert.equal(follower.following.appliedRevision, 2, 'the same number, other rules');
  await other.stop();
  const older = resources.use(await Node.start());
  await older.control.change(add(7));
  cable.leadTo(older.port);
  await follower.hasRulesOf(older);
  assert.equal(follower.following.appliedRevision, 1);
});

test('rules of a leader that has not restored its own are not taken over', async () => {
  await using resources = new AsyncDisposableStack();
  const { leader, cable, follower } = await pair(resources);
  await leader.stop();
  const folder = mkdtempSync(join(tmpdir(), 'floxy-node-'));
  resources.defer(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'collector.db'), 'not a database');
  const lost = resources.use(await Node.start({ folder }));
  assert.equal(lost.control.rules().ruleSet.rules.length, 0);
  cable.leadTo(lost.port);
  await waitFor('the reason is shown', () =>
    /no rules to give: /.test(follower.following.error ?? ''),
  );
  assert.ok(follower.following.isConnected);
  assert.equal(follower.control.rules().ruleSet.rules.length, 1);
  await lost.control.change({ kind: 'replace', ruleSet: ruleSet([r(5), r(6)]) });
  await catchesUp(follower, lost);
  assert.equal(follower.following.error, undefined);
});

test('a stop ends a follower that is connected, and one that is not, at once', async () => {
  await using resources = new AsyncDisposableStack();
  const { cable, follower } = await pair(resources);
  const start = performance.now();
  await follower.stop();
  tellTime('a follower stops', performance.now() - start, STOP_LIMIT_MS);
  await waitFor('no connection is left', () => cable.open === 0);
  cable.state = 'stalls';
  const second = resources.use(await Node.start({ follow: follow(cable) }));
  await waitFor('it tries', () => cable.open > 0);
  await second.stop();
  await waitFor('no connection is left', () => cable.open === 0);
});

test('a leader that was set up anew and has never had rules does not empty its follower', async () => {
  await using resources = new AsyncDisposableStack();
  const { leader, cable, follower } = await pair(resources);
  await leader.stop();
  const blank = resources.use(await Node.start());
  cable.leadTo(blank.port);
  await waitFor('the reason is shown', () => /never had any/.test(follower.following.error ?? ''));
  assert.equal(follower.control.rules().ruleSet.rules.length, 1);
  await blank.control.change({ kind: 'replace', ruleSet: ruleSet([]) });
  await catchesUp(follower, blank);
  assert.equal(follower.control.rules().ruleSet.rules.length, 0, 'emptied on purpose');
});

test('a follower that waits for its first rules gives none to those that follow it', async () => {
  await using resources = new AsyncDisposableStack();
  const { leader, cable, follower: last } = await pair(resources);
  const upward = resources.use(await Cable.lay(leader.port));
  upward.state = 'breaks';
  const middle = resources.use(await Node.start({ follow: follow(upward) }));
  cable.state = 'breaks';
  cable.leadTo(middle.port);
  cable.state = 'passes';
  await waitFor('the reason is shown', () => /first rules/.test(last.following.error ?? ''));
  assert.equal(last.control.rules().ruleSet.rules.length, 1);
  upward.state = 'passes';
  await middle.hasRulesOf(leader);
  await waitFor('all is well', () => last.following.error === undefined);
});

test('a follower that lost its own rules gets them from its leader, although that has not changed', async () => {
  await using resources = new AsyncDisposableStack();
  const { leader, cable, follower } = await pair(resources);
  await leader.control.change(add(2, 3));
  await follower.hasRulesOf(leader);
  const { folder } = follower;
  await follower.stop();
  cable.state = 'breaks';
  writeFileSync(join(folder, 'collector.db'), 'not a database');
  const next = resources.use(await Node.start({ follow: follow(cable), folder }));
  assert.equal(next.served.status().proxy.state, 'NotConfigured');
  assert.equal(next.control.rules().ruleSet.rules.length, 0);
  cable.state = 'passes';
  await next.hasRulesOf(leader);
  assert.equal(next.control.rules().ruleSet.rules.length, 3);
  assert.equal(next.served.status().proxy.state, 'OK');
});
