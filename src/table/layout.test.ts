import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { packageRoot } from '../package-root.ts';

test('the constants of shared memory are those of the C headers', () => {
  const script = join(packageRoot, 'scripts/build-layout.ts');
  const { status, stderr } = spawnSync(process.execPath, [script, '--check'], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
});

test('a program for the kernel can use the header of the table: no pointers, no includes but types', () => {
  const header = readFileSync(join(packageRoot, 'native/include/table.h'), 'utf8');
  const code = header.replaceAll(/\/\*[\s\S]*?\*\//g, '');
  assert.deepEqual(code.match(/#include <.*>/g), [
    '#include <linux/types.h>',
    '#include <stdint.h>',
  ]);
  assert.doesNotMatch(code, /\*|\b(int|long|size_t|bool)\b/);
});
