import assert from 'node:assert/strict';
import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { test } from 'node:test';
import { createMemory, mapMemory, resizeMemory, sealMemory, unmapMemory } from './memory.ts';

const BYTES = 8192;

/** Another descriptor of the same memory, for reading and writing, as any process that has it can open one. */
function reopen(fd: number): number {
  return openSync(`/proc/self/fd/${fd}`, 'r+');
}

test('sealed memory cannot be cut off by anybody who has it', () => {
  const fd = createMemory('floxy-test', BYTES);
  sealMemory(fd, false);
  const other = reopen(fd);
  try {
    for (const each of [fd, other]) {
      assert.throws(() => ftruncateSync(each, 0), { code: 'EPERM' });
      assert.throws(() => resizeMemory(each, BYTES - 1), { code: 'EPERM' });
    }
    const memory = mapMemory(other, BYTES, true);
    new Uint8Array(memory)[0] = 1;
    unmapMemory(memory);
    resizeMemory(fd, 2 * BYTES);
    assert.throws(() => sealMemory(other, true), { code: 'EPERM' }, 'nor sealed further');
  } finally {
    closeSync(other);
    closeSync(fd);
  }
});

test('memory sealed against writing is written by who had it mapped before, and nobody else', () => {
  const fd = createMemory('floxy-test', BYTES);
  const writer = mapMemory(fd, BYTES, true);
  const readOnly = openSync(`/proc/self/fd/${fd}`, 'r');
  sealMemory(fd, true);
  const other = reopen(readOnly);
  try {
    for (const each of [fd, other]) {
      assert.throws(() => writeSync(each, 'x'), { code: 'EPERM' });
      assert.throws(() => ftruncateSync(each, 0), { code: 'EPERM' });
      assert.throws(() => mapMemory(each, BYTES, true), { code: 'EPERM' });
    }
    const reader = mapMemory(readOnly, BYTES, false);
    new Uint8Array(writer)[BYTES - 1] = 7;
    assert.equal(new Uint8Array(reader)[BYTES - 1], 7);
    unmapMemory(reader);
  } finally {
    unmapMemory(writer);
    closeSync(other);
    closeSync(readOnly);
    closeSync(fd);
  }
});
