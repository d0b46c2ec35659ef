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

for (const name of ['table.h', 'paths.h']) {
  test(`a program for the kernel can use ${name}: no pointers, no includes but types`, () => {
    const header = readFileSync(join(packageRoot, 'native/include', name), 'utf8');
    const code = header.replaceAll(/\/\*[\s\S]*?\*\//g, '');
    const includes = code.match(/#include .*/g);
    assert.deepEqual(includes, ['#include "bpf_types.h"', '#include <stdint.h>']);
    assert.doesNotMatch(code, /\w \*\w|\b(long|size_t|bool)\b/);
  });
}
