import assert from 'node:assert/strict';
import { chmodSync } from 'node:fs';
import { dirname } from 'node:path';
import { test } from 'node:test';
import { requireRoot } from '../../test/lab/require-root.ts';
import {
  adding,
  databasePath,
  HISTORY_LIMITS,
  openedStore,
  temporaryDirectory,
} from '../../test/lab/rule-store.ts';
import { rule } from '../../test/support/rule-sets.ts';
import { readCopy } from './read-copy.ts';

const OTHER_USER = 12_345;

test('rules are read from a database that its user may only read', {
  skip: requireRoot(),
}, (t) => {
  const path = databasePath(temporaryDirectory(t));
  const { store } = openedStore(dirname(path));
  store.write(adding(rule('192.0.2.1')), { number: 1 });
  store.close();
  chmodSync(path, 0o444);
  chmodSync(dirname(path), 0o755);
  const { ruleSet, revision } = asOther(() => readCopy(path, HISTORY_LIMITS));
  assert.deepEqual(ruleSet.rules, [rule('192.0.2.1')]);
  assert.equal(revision.number, 1);
});

function asOther<T>(read: () => T): T {
  process.seteuid?.(OTHER_USER);
  try {
    return read();
  } finally {
    process.seteuid?.(0);
  }
}
