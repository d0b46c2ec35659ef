import assert from 'node:assert/strict';
import { closeSync, fstatSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { HANG_MS } from '../../../test/lab/shell.ts';
import { handoverListen } from '../../native/handover.ts';
import { createMemory, mapMemory } from '../../native/memory.ts';
import { type HandoverState, MEMORY_LAYOUT, Predecessor } from './handover.ts';

const STATE: HandoverState = {
  pid: process.pid,
  layout: MEMORY_LAYOUT,
  listen: '[::]:2055',
  receiveBufferBytes: 1000,
  slotCount: 10,
  table: { generation: 3, file: 1, bytes: 64 },
};

class TemporaryPath implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'floxy-'));
  readonly path = join(this.#folder, 'socket');

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true });
  }
}

/** A forwarder without control, in a thread of its own: Predecessor.take() waits for it. */
function startForwarder(path: string, descriptors: object): { ended: Promise<void> } {
  const worker = new Worker(
    `
    const { workerData } = require('node:worker_threads');
    import(workerData.module).then(({ Bequest }) => {
      const bequest = new Bequest(workerData.listener, 0);
      require('node:worker_threads').parentPort.postMessage('ready');
      const timer = setInterval(() => {
        if (bequest.poll(workerData.state, workerData.descriptors)) {
          clearInterval(timer);
          bequest.close();
        }
      }, 2);
    });`,
    {
      eval: true,
      workerData: {
        module: new URL('./handover.ts', import.meta.url).href,
        listener: handoverListen(path),
        state: STATE,
        descriptors,
      },
    },
  );
  const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  return { ended };
}

async function takeWhenReady(path: string): Promise<Predecessor> {
  const deadline = performance.now() + HANG_MS;
  while (performance.now() < deadline) {
    const predecessor = Predecessor.take(path);
    if (predecessor !== undefined) return predecessor;
    await sleep(10);
  }
  throw new Error('nobody listens');
}

describe('Predecessor and Bequest', () => {
  it('a successor gets the descriptors, and ends the forwarder when it wants', async () => {
    using folder = new TemporaryPath();
    const counters = createMemory('test-counters', 4096);
    const table = createMemory('test-table', 64);
    const shared = new Uint8Array(mapMemory(counters, 4096, true));
    const forwarder = startForwarder(folder.path, {
      receive: table,
      counters,
      table,
    });
    const predecessor = await takeWhenReady(folder.path);
    assert.deepEqual(predecessor.state, STATE);
    const { descriptors } = predecessor;
    assert.equal(fstatSync(descriptors.table).ino, fstatSync(table).ino);
    shared[7] = 42;
    assert.equal(new Uint8Array(mapMemory(descriptors.counters, 4096, false))[7], 42);

    await predecessor.end();
    await forwarder.ended;
    predecessor.closeDescriptors();
    closeSync(counters);
    closeSync(table);
  });

  it('finds nothing where nobody listens any more, or ever did', () => {
    using folder = new TemporaryPath();
    assert.equal(Predecessor.take(folder.path), undefined);
    closeSync(handoverListen(folder.path));
    assert.equal(Predecessor.take(folder.path), undefined);
  });

  it('finds nothing where a forwarder does not answer, because its control lives', () => {
    using folder = new TemporaryPath();
    const listener = handoverListen(folder.path);
    assert.equal(Predecessor.take(folder.path), undefined);
    closeSync(listener);
  });

  it('a path that is too long for a unix socket is refused', () => {
    assert.throws(() => handoverListen(`/tmp/${'x'.repeat(110)}`), { code: 'ENAMETOOLONG' });
  });
});
