/** Writes the tables of documents that follow from the code: `npm run docs`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/package-root.ts';
import { DOCUMENTS } from './documents.ts';

for (const [name, withParts] of Object.entries(DOCUMENTS)) {
  const file = join(packageRoot, name);
  writeFileSync(file, withParts(readFileSync(file, 'utf8')));
}
