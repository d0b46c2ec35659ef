import assert from 'node:assert/strict';
import { closeSync, fstatSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { IdentityMemory, readIdentityMemory } from './identity-memory.ts';

const MAX_BYTES = 1 << 20;

describe('IdentityMemory', () => {
  let memory: IdentityMemory;
  beforeEach(() => {
    memory = new IdentityMemory();
  });
  afterEach(() => memory.close());

  const read = () => readIdentityMemory(memory.readOnlyFd, MAX_BYTES);

  it('holds what was written last and what was appended since', async () => {
    assert.equal(read(), '');
    memory.append('a\n');
    assert.equal(read(), 'a\n');
    await memory.replace(['b\n', 'ü\n']);
    memory.append('d\n');
    assert.equal(read(), 'b\nü\nd\n');
    assert.equal(memory.bytes, Buffer.byteLength('b\nü\nd\n'));
  });

  it('never touches the log in force while the next one is written', async () => {
    await memory.replace(['one\n']);
    let seen = '';
    function* lines() {
      for (let i = 0; i < 20_000; i++) {
        if (i === 19_999) seen = read();
        yield `line ${i}\n`;
      }
    }
    await memory.replace(lines());
    assert.equal(seen, 'one\n');
    assert.match(read(), /^line 0\n(?:.*\n)*line 19999\n$/);
  });

  it('takes no more room than two logs', async () => {
    for (let i = 0; i < 50; i++) await memory.replace([`${i} ${'x'.repeat(10_000)}\n`]);
    assert.ok(fstatSync(memory.readOnlyFd).size < 25_000);
  });

  it('refuses what is cut off, too long or no log at all', async () => {
    await memory.replace(['x'.repeat(100)]);
    assert.throws(() => readIdentityMemory(memory.readOnlyFd, 99), RangeError);
    const fd = openSync(`/proc/self/fd/${memory.readOnlyFd}`, 'r+');
    try {
      ftruncateSync(fd, 60);
      assert.throws(read, RangeError);
      writeSync(fd, Buffer.from('ff'.repeat(16), 'hex'), 0, 16, 0);
      assert.throws(read, RangeError);
      ftruncateSync(fd, 3);
      assert.throws(read, RangeError);
    } finally {
      closeSync(fd);
    }
  });
});
