import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { packageRoot } from '../../src/package-root.ts';
import { DOCUMENTS } from './documents.ts';

/** Marks of the tables that a document must have. */
const TABLES: Readonly<Record<string, readonly string[]>> = {
  'docs/collecting.md': ['columns', 'counters', 'producers'],
  'docs/metrics.md': ['metrics'],
};

for (const [name, withParts] of Object.entries(DOCUMENTS)) {
  test(`the tables of ${name} are what the code says; else run npm run docs`, () => {
    const document = readFileSync(join(packageRoot, name), 'utf8');
    assert.equal(document, withParts(document));
    for (const table of TABLES[name] ?? [])
      assert.ok(document.includes(`<!-- ${table} -->`), table);
  });
}
