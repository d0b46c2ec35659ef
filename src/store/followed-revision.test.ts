/** What a follower remembers of its leader, in the database. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  numberedRule,
  openedStore,
  reopen,
  ruleSet,
  temporaryDirectory,
} from '../../test/lab/rule-store.ts';
import { decodeFollowed, encodeFollowed } from './encoding.ts';

const FOLLOWED = { leader: '[2001:db8::1]:8853', revision: 40, digest: 'd40', appliedAs: 1 };

test('the followed revision is stored with the rules, by a replacement and by an update', (t) => {
  const { store, restored } = openedStore(temporaryDirectory(t));
  t.after(() => store.close());
  assert.equal(restored.followed, undefined);
  store.replaceAll(1, ruleSet(numberedRule(1)), FOLLOWED);
  assert.deepEqual(reopen(store).followed, FOLLOWED);
  const next = { ...FOLLOWED, revision: 41, digest: 'd41', appliedAs: 2 };
  store.update(2, { upserts: [numberedRule(2)], deletes: [], defaultOutputs: undefined }, next);
  const reopened = reopen(store);
  assert.deepEqual(reopened.followed, next);
  assert.equal(reopened.ruleSet.rules.length, 2);
});

test('a local change leaves the followed revision as it was, so that it shows', (t) => {
  const { store } = openedStore(temporaryDirectory(t));
  t.after(() => store.close());
  store.replaceAll(1, ruleSet(numberedRule(1)), FOLLOWED);
  store.replaceAll(2, ruleSet(numberedRule(2)));
  const { followed, revision } = reopen(store);
  assert.deepEqual(followed, FOLLOWED);
  assert.equal(revision, 2);
});

test('the followed revision is stored without a change of rules', (t) => {
  const { store } = openedStore(temporaryDirectory(t));
  t.after(() => store.close());
  store.replaceAll(7, ruleSet(numberedRule(1)));
  store.saveFollowed({ ...FOLLOWED, appliedAs: 7 });
  const { followed, revision, ruleSet: saved } = reopen(store);
  assert.deepEqual(followed, { ...FOLLOWED, appliedAs: 7 });
  assert.deepEqual([revision, saved.rules.length], [7, 1]);
});

test('a followed revision that cannot be read counts as none, and the rules are restored', () => {
  assert.deepEqual(decodeFollowed(encodeFollowed(FOLLOWED)), FOLLOWED);
  for (const text of [
    undefined,
    5,
    'x',
    '{}',
    '[]',
    '["a",1,"d"]',
    '["a",-1,"d",1]',
    '[1,1,1,1]',
  ]) {
    assert.equal(decodeFollowed(text), undefined, String(text));
  }
});
