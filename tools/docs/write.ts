/** Writes the tables of documents that follow from the code: `npm run docs`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/package-root.ts';
import { withTables } from './tables.ts';

const file = join(packageRoot, 'docs/collecting.md');
writeFileSync(file, withTables(readFileSync(file, 'utf8')));
