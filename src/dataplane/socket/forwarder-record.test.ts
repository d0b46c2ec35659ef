import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { ForwarderRecorder, readForwarderRecord } from './forwarder-record.ts';
import { HANDOVER_VERSIONS } from './handover.ts';
import { identifyProcess } from './process-identity.ts';

const NOBODY = 65_534;
const isRoot = process.geteuid?.() === 0;

describe('the record of forwarders', () => {
  let folder: string;
  let path: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'floxy-'));
    path = join(folder, 'record.json');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** Writes that this process is a forwarder. */
  async function write(): Promise<void> {
    const recorder = new ForwarderRecorder(
      { path, listeners: ['[::]:2055'] },
      HANDOVER_VERSIONS,
      pino({ level: 'silent' }),
    );
    recorder.note(0, process.pid, ['receive 0']);
    while (!existsSync(path)) await sleep(2);
  }

  it('says which processes they are, to this user alone', async () => {
    await write();
    const own = identifyProcess(process.pid);
    assert.deepEqual(readForwarderRecord(path)?.forwarders, [
      { ...own, index: 0, descriptors: ['receive 0'] },
    ]);
    assert.equal(statSync(path).mode & 0o777, 0o600);
  });

  it('is written to a new file, wherever what is there may lead', async () => {
    const other = join(folder, 'other');
    writeFileSync(other, 'untouched');
    symlinkSync(other, `${path}.new`);
    await write();
    assert.equal(readFileSync(other, 'utf8'), 'untouched');
    assert.ok(readForwarderRecord(path));
  });

  for (const [what, needsRoot, forge] of [
    ['another user wrote it', true, () => chownSync(path, NOBODY, NOBODY)],
    ['others may write it', false, () => chmodSync(path, 0o620)],
    [
      'it is somewhere else',
      false,
      () => {
        renameSync(path, `${path}.other`);
        symlinkSync(`${path}.other`, path);
      },
    ],
  ] as const) {
    const skip = needsRoot && !isRoot;
    it(`is not believed when ${what}: it may name any process to be killed`, { skip }, async () => {
      await write();
      forge();
      assert.equal(readForwarderRecord(path), undefined);
    });
  }
});
