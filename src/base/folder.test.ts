import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { makeFolder } from './folder.ts';

test('folders are made with their mode, and left alone where they are', (t) => {
  const root = mkdtempSync(path.join(tmpdir(), 'floxy-folder-'));
  t.after(() => rmSync(root, { recursive: true }));
  const folder = path.join(root, 'a/b/c');
  makeFolder(folder, 0o700);
  makeFolder(folder, 0o755);
  for (const made of [folder, path.dirname(folder)]) {
    assert.equal(statSync(made).mode & 0o777, 0o700);
  }
});

test('where no folder can be made there is an error at once', (t) => {
  const root = mkdtempSync(path.join(tmpdir(), 'floxy-folder-'));
  t.after(() => rmSync(root, { recursive: true }));
  const file = path.join(root, 'file');
  writeFileSync(file, '');
  assert.throws(() => makeFolder(path.join(file, 'folder'), 0o700), { code: 'EEXIST' });
  assert.throws(() => makeFolder(file, 0o700), { code: 'EEXIST' });
  assert.throws(() => makeFolder('/proc/floxy', 0o700), { code: 'ENOENT' });
  assert.throws(() => makeFolder('/proc/floxy/folder', 0o700), { code: 'ENOENT' });
});
