import assert from 'node:assert/strict';
import { appendFile, mkdtempDisposable, open, readdir, stat, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { pino } from 'pino';
import type { EncodedBatch } from '../model/encoded-batch.ts';
import { weightOf } from './batcher.ts';
import { Spool } from './spool.ts';
import { HEADER_OCTETS } from './spool-frame.ts';

const log = pino({ level: 'silent' });
const options = { max_bytes: 1e9, file_bytes: 4096, fsync: false };

const batches: fc.Arbitrary<EncodedBatch> = fc
  .record({
    messages: fc.array(
      fc.record({ key: fc.uint8Array({ maxLength: 8 }), body: fc.uint8Array({ maxLength: 300 }) }),
      {
        minLength: 1,
        maxLength: 10,
      },
    ),
    keyed: fc.boolean(),
    records: fc.nat(1000),
    protocol: fc.constantFrom(undefined, 'netflow5' as const, 'sflow' as const),
    framing: fc.constantFrom(undefined, 'lines' as const, 'varint' as const, 'none' as const),
  })
  .map(({ messages, keyed, records, protocol, framing }) => {
    let end = 0;
    return {
      bytes: Buffer.concat(messages.map(({ body }) => body)),
      ends: Uint32Array.from(messages, ({ body }) => (end += body.length)),
      records,
      ...(keyed && { keys: messages.map(({ key }) => Buffer.from(key)) }),
      ...(protocol && { protocol }),
      ...(framing && { framing }),
    };
  });

function batchOf(text: string): EncodedBatch {
  return { bytes: Buffer.from(text), ends: Uint32Array.of(text.length), records: 7 };
}

async function openSpool(
  folder: string,
  limits = options,
): Promise<{ spool: Spool; records: number } & AsyncDisposable> {
  const spool = new Spool(folder, limits, log);
  const records = await spool.open();
  assert.equal(spool.problem, undefined);
  return { spool, records, [Symbol.asyncDispose]: () => spool.close() };
}

function temporaryFolder() {
  return mkdtempDisposable(path.join(tmpdir(), 'floxy-spool-'));
}

/** A spool, and what it should have. */
class Model implements AsyncDisposable {
  readonly #folder: string;
  #spool: Spool;
  #wanted: EncodedBatch[] = [];

  private constructor(folder: string, spool: Spool) {
    this.#folder = folder;
    this.#spool = spool;
  }

  static async open(folder: string): Promise<Model> {
    return new Model(folder, (await openSpool(folder)).spool);
  }

  async append(batch: EncodedBatch): Promise<void> {
    this.#wanted.push(batch);
    assert.ok(await this.#spool.append(batch));
  }

  async prepend(batch: EncodedBatch): Promise<void> {
    this.#wanted.unshift(batch);
    assert.ok(await this.#spool.prepend(batch));
  }

  async take(): Promise<void> {
    if (this.#spool.empty) return;
    assert.deepEqual((await this.#spool.read())?.batch, this.#wanted.shift());
    this.#spool.remove();
  }

  async restart(): Promise<void> {
    await this.#spool.close();
    const { spool, records } = await openSpool(this.#folder);
    this.#spool = spool;
    assert.equal(
      records,
      this.#wanted.reduce((sum, batch) => sum + batch.records, 0),
    );
  }

  async end(): Promise<void> {
    assert.deepEqual(await drain(this.#spool), this.#wanted);
    assert.equal(this.#spool.waiting, 0);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#spool.close();
  }
}

/** Everything that waits, which is removed. */
async function drain(spool: Spool): Promise<(EncodedBatch | undefined)[]> {
  const found: (EncodedBatch | undefined)[] = [];
  while (!spool.empty) {
    const spooled = await spool.read();
    found.push(spooled?.batch);
    spool.remove();
  }
  return found;
}

describe('spool', () => {
  test('batches come back as they were, in order, whatever is done in between', async () => {
    const actions = fc.oneof(
      batches.map((batch) => ({ do: 'append' as const, batch })),
      batches.map((batch) => ({ do: 'prepend' as const, batch })),
      fc.record({ do: fc.constantFrom('take' as const, 'restart' as const), batch: batches }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(actions, { maxLength: 40 }), async (steps) => {
        await using folder = await temporaryFolder();
        await using model = await Model.open(folder.path);
        for (const step of steps) await model[step.do](step.batch);
        await model.end();
      }),
      { numRuns: 30 },
    );
  });

  test('a batch that was not written to its end is cut off, at whatever octet', async () => {
    const whole = batchOf('first');
    const torn = batchOf('second');
    const length = HEADER_OCTETS + 4 + torn.bytes.length;
    for (let missing = 1; missing <= length; missing++) {
      await using folder = await temporaryFolder();
      const { spool } = await openSpool(folder.path);
      await spool.append(whole);
      await spool.append(torn);
      await spool.close();
      const [name = ''] = await readdir(folder.path);
      const file = path.join(folder.path, name);
      await truncate(file, (await stat(file)).size - missing);
      await using again = await openSpool(folder.path);
      assert.equal(again.records, 7);
      assert.ok(await again.spool.append(torn), 'it can be written to behind');
      assert.deepEqual(await drain(again.spool), [whole, torn]);
    }
  });

  test('what is no batch at the end of a file is cut off', async () => {
    await using folder = await temporaryFolder();
    const { spool } = await openSpool(folder.path);
    await spool.append(batchOf('first'));
    await spool.close();
    const [name = ''] = await readdir(folder.path);
    await appendFile(path.join(folder.path, name), Buffer.alloc(1000, 0x5a));
    await using again = await openSpool(folder.path);
    assert.deepEqual(await drain(again.spool), [batchOf('first')]);
  });

  test('a batch that the disk has changed is told as lost, the next one comes', async () => {
    await using folder = await temporaryFolder();
    await using opened = await openSpool(folder.path);
    const { spool } = opened;
    await spool.append(batchOf('first'));
    await spool.append(batchOf('second'));
    const [name = ''] = await readdir(folder.path);
    await using handle = await open(path.join(folder.path, name), 'r+');
    await handle.write('X', HEADER_OCTETS + 4);
    assert.deepEqual(await spool.read(), { batch: undefined, records: 7 });
    spool.remove();
    assert.deepEqual(await drain(spool), [batchOf('second')]);
  });

  test('it is bounded, and its files go away when they are done with', async () => {
    await using folder = await temporaryFolder();
    await using opened = await openSpool(folder.path, { ...options, max_bytes: 65_536 });
    const { spool } = opened;
    const batch = batchOf('x'.repeat(1000));
    let written = 0;
    while (await spool.append(batch)) written++;
    assert.equal(spool.problem, undefined, 'being full is no problem of the disk');
    const used = async () => {
      const names = await readdir(folder.path);
      const sizes = await Promise.all(
        names.map(async (name) => {
          // One that has gone since takes no room.
          const found = await stat(path.join(folder.path, name)).catch(() => undefined);
          return found?.size ?? 0;
        }),
      );
      return sizes.reduce((sum, size) => sum + size, 0);
    };
    assert.ok((await used()) <= 65_536 + weightOf(batch) + HEADER_OCTETS);
    assert.ok(written > 50);
    assert.equal((await drain(spool)).length, written);
    while ((await used()) > 0) await new Promise((resolve) => setTimeout(resolve, 1));
    assert.ok(await spool.append(batch));
  });

  test('a folder that another one uses is left alone, and that is told', async () => {
    await using folder = await temporaryFolder();
    await using first = await openSpool(folder.path);
    assert.ok(first);
    const second = new Spool(folder.path, options, log);
    assert.equal(await second.open(), 0);
    assert.match(second.problem ?? '', /another process uses it/);
    assert.equal(await second.append(batchOf('a')), false);
    await second.close();
  });

  test('a folder that cannot be is told', async () => {
    const spool = new Spool('/proc/nowhere/spool', options, log);
    assert.equal(await spool.open(), 0);
    assert.match(spool.problem ?? '', /^spool \/proc\/nowhere\/spool: ENOENT/);
    assert.equal(await spool.append(batchOf('a')), false);
    await spool.close();
  });
});
