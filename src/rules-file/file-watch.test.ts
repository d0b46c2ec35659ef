import assert from 'node:assert/strict';
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { FileWatch } from './file-watch.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'floxy-watch-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A watch, whose clock is turned by looks twice a second. */
function watchOf(file: string) {
  let told = 0;
  const watch = new FileWatch(file, () => {
    told += 1;
  });
  let nowMs = 0;
  return {
    watch,
    /** @returns how often it told a change until then */
    look: (times: number): number => {
      for (let i = 0; i < times; i++) {
        nowMs += 500;
        watch.look(nowMs);
      }
      return told;
    },
  };
}

describe('FileWatch', () => {
  it('A44: tells another file in the place of one when it has seen it twice', () => {
    const file = join(folder, 'f');
    writeFileSync(file, 'one');
    const { look } = watchOf(file);
    assert.equal(look(3), 0);
    writeFileSync(`${file}.new`, 'two');
    renameSync(`${file}.new`, file);
    assert.equal(look(1), 0);
    assert.equal(look(1), 1);
    assert.equal(look(9), 1);
  });

  it('A44: waits until a file that is written in place has been still for two seconds', () => {
    const file = join(folder, 'f');
    writeFileSync(file, 'one');
    const { look } = watchOf(file);
    for (let i = 0; i < 9; i++) {
      appendFileSync(file, 'more');
      assert.equal(look(3), 0);
    }
    assert.equal(look(1), 0);
    assert.equal(look(1), 1);
  });

  it('A44: follows links, as ConfigMaps of Kubernetes swap them', () => {
    const mount = (name: string) => {
      mkdirSync(join(folder, name));
      writeFileSync(join(folder, name, 'rules.txtpb'), 'same');
      symlinkSync(name, join(folder, 'data.new'));
      renameSync(join(folder, 'data.new'), join(folder, '..data'));
    };
    mount('..1');
    const file = join(folder, 'rules.txtpb');
    symlinkSync('..data/rules.txtpb', file);
    const { look } = watchOf(file);
    assert.equal(look(2), 0);
    mount('..2');
    rmSync(join(folder, '..1'), { recursive: true });
    assert.equal(look(2), 1);
  });

  it('A44: tells a file that goes, and one that comes back', () => {
    const file = join(folder, 'f');
    writeFileSync(file, 'one');
    const { look } = watchOf(file);
    rmSync(file);
    assert.equal(look(2), 1);
    assert.equal(look(9), 1);
    writeFileSync(file, 'two');
    assert.equal(look(2), 2);
  });

  it('says nothing of what was read meanwhile', () => {
    const file = join(folder, 'f');
    writeFileSync(file, 'one');
    const { watch, look } = watchOf(file);
    writeFileSync(file, 'other');
    watch.accept();
    assert.equal(look(9), 0);
  });
});
