import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { packageRoot } from '../../src/package-root.ts';
import { withTables } from './tables.ts';

test('the tables of docs/collecting.md are what the code says; else run npm run docs', () => {
  const document = readFileSync(join(packageRoot, 'docs/collecting.md'), 'utf8');
  assert.equal(document, withTables(document));
  assert.match(document, /<!-- columns -->/);
  assert.match(document, /<!-- counters -->/);
  assert.match(document, /<!-- producers -->/);
});
