/** What revisions are remembered with, in the database. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  adding,
  numberedRule,
  openedStore,
  reopen,
  replacing,
  temporaryDirectory,
} from '../../test/lab/rule-store.ts';
import { ruleSet } from '../../test/support/rule-sets.ts';
import type { Revision } from '../model/rules.ts';
import { decodeRecord, encodeRecord } from './revision-record.ts';

const FOLLOWED = { leader: '[2001:db8::1]:8853', revision: 40, digest: 'd40', appliedAs: 1 };
const FIRST: Revision = {
  number: 1,
  author: 'alice',
  from: '[::1]:40000',
  call: 'ReplaceProxyRules',
  message: 'CHG123: neue Geräte',
  at: '2026-11-26T00:00:00.000Z',
  followed: FOLLOWED,
};

test('all of a revision is stored with the rules, by a replacement and by an edit', (t) => {
  const { store, restored } = openedStore(temporaryDirectory(t));
  t.after(() => store.close());
  assert.deepEqual(restored.revision, { number: 0 });
  store.write(replacing(ruleSet([numberedRule(1)])), FIRST);
  assert.deepEqual(reopen(store).revision, FIRST);
  const second = { number: 2, at: '2026-11-26T00:00:01.000Z' };
  store.write(adding(numberedRule(2)), second);
  const { revision, ruleSet: saved } = reopen(store);
  assert.deepEqual(revision, second);
  assert.equal(saved.rules.length, 2);
});

test('what a revision is remembered with can change without a change of rules', (t) => {
  const { store } = openedStore(temporaryDirectory(t));
  t.after(() => store.close());
  store.write(replacing(ruleSet([numberedRule(1)])), { number: 7 });
  const noted = { number: 7, followed: { ...FOLLOWED, appliedAs: 7 } };
  store.write(adding(), noted);
  const { revision, ruleSet: saved } = reopen(store);
  assert.deepEqual(revision, noted);
  assert.equal(saved.rules.length, 1);
});

test('what cannot be read of it counts as not there, and the rules are restored', () => {
  const { number: _, ...record } = FIRST;
  assert.deepEqual(decodeRecord(encodeRecord(FIRST)), record);
  const bad = [undefined, 5, 'x', '[]', 'null', '{"followed":{"leader":"a"},"at":7}'];
  const badFollowed = { ...FOLLOWED, revision: -1 };
  for (const text of [...bad, JSON.stringify({ followed: badFollowed })]) {
    assert.deepEqual(decodeRecord(text), {}, String(text));
  }
});
