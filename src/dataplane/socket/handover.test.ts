import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, closeSync, fstatSync, mkdtempSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { handoverConnect, handoverListen, handoverReceive } from '../../native/handover.ts';
import { createMemory } from '../../native/memory.ts';
import { Bequest, HANDOVER_REQUEST, parseHandoverState } from './handover.ts';

const OWN_USER = process.getuid?.() ?? 0;
const NODE = fileURLToPath(new URL('../../../bin/floxy-node', import.meta.url));

describe('Bequest', () => {
  let folder: string;
  let path: string;
  let memory: number;
  let bequest: Bequest;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'floxy-'));
    path = join(folder, 'socket');
    memory = createMemory('test', 64);
    bequest = new Bequest(handoverListen(path), OWN_USER);
  });
  afterEach(() => {
    bequest.close();
    closeSync(memory);
    rmSync(folder, { recursive: true });
  });

  const poll = () => bequest.poll({ counters: memory, identities: undefined });

  /** A successor that got everything; its connection. */
  function succeed(): number {
    const connection = handoverConnect(path);
    assert.ok(connection !== undefined);
    assert.equal(handoverReceive(connection), undefined);
    assert.equal(poll(), undefined);
    const handover = handoverReceive(connection);
    assert.ok(handover);
    const { data, descriptors, pid, uid } = handover;
    assert.deepEqual([pid, uid], [process.pid, OWN_USER]);
    assert.deepEqual(parseHandoverState(data).descriptors, ['counters']);
    assert.equal(fstatSync(descriptors[0] ?? -1).ino, fstatSync(memory).ino);
    return connection;
  }

  for (const [request, byte] of Object.entries(HANDOVER_REQUEST)) {
    it(`gives everything to a successor, which says how it is to end: ${request}`, () => {
      const connection = succeed();
      assert.equal(poll(), undefined);
      writeSync(connection, Buffer.of(byte));
      assert.equal(poll(), request);
    });
  }

  it('gives everything to the next successor when one has died', () => {
    closeSync(succeed());
    assert.equal(poll(), undefined);
    const connection = succeed();
    writeSync(connection, Buffer.of(HANDOVER_REQUEST.end));
    assert.equal(poll(), 'end');
  });

  it('lets no other user reach the socket, and gives nothing to one who does', {
    skip: OWN_USER !== 0,
  }, async () => {
    assert.equal(statSync(path).mode & 0o777, 0o600);
    chmodSync(folder, 0o755);
    assert.equal(await connectAsOther().next(), 'EACCES');
    chmodSync(path, 0o666);
    const other = connectAsOther();
    assert.equal(await other.next(), 'connected');
    poll();
    assert.equal(await other.next(), 'close');
    succeed();
  });

  /** What another user sees who connects, word by word. */
  function connectAsOther() {
    const script = `require('node:net').connect(${JSON.stringify(path)})
      .on('error', ({ code }) => console.log(code)).on('connect', () => console.log('connected'))
      .on('data', () => console.log('data')).on('close', () => console.log('close'));`;
    const child = spawn(NODE, ['-e', script], {
      uid: 12_345,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    return { next: async () => (await lines.next()).value as string };
  }

  it('a path that is too long for a unix socket is refused', () => {
    assert.throws(() => handoverListen(`/tmp/${'x'.repeat(110)}`), { code: 'ENAMETOOLONG' });
  });
});

describe('handoverReceive()', () => {
  it('finds nothing where nobody listens any more', () => {
    const folder = mkdtempSync(join(tmpdir(), 'floxy-'));
    const path = join(folder, 'socket');
    assert.equal(handoverConnect(path), undefined);
    closeSync(handoverListen(path));
    assert.equal(handoverConnect(path), undefined);
    rmSync(folder, { recursive: true });
  });
});
