import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { pino } from 'pino';
import { fileKind } from '../../../src/flow/produce/file.ts';
import { requireRoot } from '../../lab/require-root.ts';
import { run, waitFor } from '../../lab/shell.ts';
import { describeConformance, type TestPeer } from '../../support/producer-conformance.ts';

const log = pino({ level: 'silent' });

for (const compression of ['none', 'gzip', 'zstd'] as const) {
  describeConformance({
    title: `file (compression ${compression})`,
    kind: fileKind,
    makePeer: () => SmallDisk.make({ compression, rotate_bytes: 8192, fsync: 'never' }),
    acknowledged: 'by peer',
    skip: requireRoot(),
  });
}

describe('files', () => {
  test('get their names when they are complete, and rotate by time', async () => {
    await using folder = await Folder.make();
    const producer = makeProducer(folder, { rotate_every: '200ms' });
    await producer.start();
    producer.offer(offerOf('a', 'b'));
    await producer.flush(60_000);
    const [first] = await waitFor('it has its name', async () => {
      const names = await readdir(folder.path);
      return names.some((name) => name.startsWith('.')) || names.length === 0 ? false : names;
    });
    assert.match(first ?? '', /^p-0-\d{8}T\d{6}\.\d{3}Z\.txt$/);
    assert.equal(await readFile(path.join(folder.path, first ?? ''), 'utf8'), 'a\nb\n');
    await producer.stop(1000);
  });

  test('that a killed process left get their names, without a line that is not whole', async () => {
    await using folder = await Folder.make();
    const dead = spawnSync('true').pid;
    const tail = 'x'.repeat(100_000);
    await writeFile(
      path.join(folder.path, `.p-0-20260101T000000.000Z.txt.${dead}.part`),
      `a\nb\n${tail}`,
    );
    await writeFile(path.join(folder.path, `.other-20260101T000000.000Z.txt.${dead}.part`), 'c');
    await writeFile(
      path.join(folder.path, '.p-0-20260102T000000.000Z.txt.1.part'),
      'of a process that lives',
    );
    const producer = makeProducer(folder);
    await producer.start();
    await waitFor('it is ready', () => producer.status.state === 'ok');
    await producer.stop(1000);
    const named = (await readdir(folder.path)).filter((name) => !name.startsWith('.'));
    assert.deepEqual(named, ['p-0-20260101T000000.000Z.txt']);
    assert.equal(await readFile(path.join(folder.path, named[0] ?? ''), 'utf8'), 'a\nb\n');
    assert.equal((await readdir(folder.path)).length, 3);
  });

  test('begin with the header line of their format, and are framed as it wants, unless the user does', async () => {
    for (const [options, told, wanted] of [
      [{}, { framing: 'lines', header: Buffer.from('h\n') }, ['h\na\nb\n', 'h\nc\n']],
      [{}, { framing: 'none' }, ['ab', 'c']],
      [{ framing: 'lines' }, { framing: 'none' }, ['a\nb\n', 'c\n']],
    ] as const) {
      await using folder = await Folder.make();
      for (const texts of [['a', 'b'], ['c']]) {
        const producer = makeProducer(folder, { batch_messages: 1, ...options });
        await producer.start();
        producer.offer({ ...offerOf(...texts), ...told });
        await producer.flush(60_000);
        await producer.stop(1000);
      }
      const names = (await readdir(folder.path)).toSorted();
      const read = names.map((name) => readFile(path.join(folder.path, name), 'utf8'));
      assert.deepEqual(await Promise.all(read), wanted);
    }
  });

  test('of octets that a killed process left stay as they are', async () => {
    await using folder = await Folder.make();
    const dead = spawnSync('true').pid;
    const octets = Buffer.from([0x96, 0x01, 0x08, 0x03, 0x0a, 0x50]);
    await writeFile(path.join(folder.path, `.p-0-20260101T000000.000Z.txt.${dead}.part`), octets);
    const producer = makeProducer(folder);
    await producer.start();
    await waitFor('it is ready', () => producer.status.state === 'ok');
    await producer.stop(1000);
    const [name = ''] = await readdir(folder.path);
    assert.deepEqual(await readFile(path.join(folder.path, name)), octets);
  });

  test('never take the name of another file', async () => {
    await using folder = await Folder.make();
    const dead = spawnSync('true').pid;
    const name = 'p-0-20260101T000000.000Z.txt';
    await writeFile(path.join(folder.path, name), 'of another process\n');
    await writeFile(path.join(folder.path, `.${name}.${dead}.part`), 'a\n');
    const producer = makeProducer(folder);
    await producer.start();
    await waitFor('it is ready', () => producer.status.state === 'ok');
    await producer.stop(1000);
    assert.deepEqual((await readdir(folder.path)).sort(), [name, `${name}.1`]);
    assert.equal(await readFile(path.join(folder.path, `${name}.1`), 'utf8'), 'a\n');
  });

  test('one for each protocol where their name has it', async () => {
    await using folder = await Folder.make();
    const producer = makeProducer(folder, { path: path.join(folder.path, '{protocol}', '{time}') });
    await producer.start();
    producer.offer({ ...offerOf('a'), protocol: 'ipfix' });
    producer.offer({ ...offerOf('b'), protocol: 'sflow' });
    await producer.flush(60_000);
    await producer.stop(1000);
    for (const [protocol, text] of [
      ['ipfix', 'a\n'],
      ['sflow', 'b\n'],
    ] as const) {
      const [name = ''] = await readdir(path.join(folder.path, protocol));
      assert.equal(await readFile(path.join(folder.path, protocol, name), 'utf8'), text);
    }
  });

  test('options that cannot work are refused', () => {
    for (const wrong of [
      { path: '/x/flows.json' },
      { path: '/x/{tim}-{time}' },
      { path: '/{time}/x{time}' },
      {},
    ]) {
      assert.equal(fileKind.options.safeParse(wrong).success, false);
    }
  });
});

function makeProducer(folder: Folder, options: object = {}) {
  const parsed = fileKind.options.parse({
    path: path.join(folder.path, '{pipeline}-{shard}-{time}.txt'),
    ...options,
  });
  return fileKind.create(parsed, { log, pipeline: 'p', shard: 0 });
}

function offerOf(...texts: string[]) {
  let end = 0;
  const ends = Uint32Array.from(texts, (text) => (end += text.length));
  return { bytes: Buffer.from(texts.join('')), ends, records: texts.length };
}

class Folder implements AsyncDisposable {
  readonly path: string;

  private constructor(folder: string) {
    this.path = folder;
  }

  static async make(): Promise<Folder> {
    return new Folder(await mkdtemp(path.join(tmpdir(), 'floxy-files-')));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true });
  }
}

/** A file system in memory that is full while it is "down". */
class SmallDisk implements TestPeer {
  readonly options: Record<string, unknown>;
  readonly #folder: string;

  private constructor(folder: string, options: object) {
    this.#folder = folder;
    this.options = { path: path.join(folder, '{pipeline}-{time}'), ...options };
  }

  static async make(options: object): Promise<SmallDisk> {
    const folder = await mkdtemp(path.join(tmpdir(), 'floxy-disk-'));
    await run(['mount', '-t', 'tmpfs', '-o', 'size=2m', 'none', folder]);
    const disk = new SmallDisk(folder, options);
    await disk.down();
    return disk;
  }

  async up(): Promise<void> {
    await run(['rm', '-f', path.join(this.#folder, 'filler')]);
  }

  async down(): Promise<void> {
    spawnSync('dd', [
      'if=/dev/zero',
      `of=${path.join(this.#folder, 'filler')}`,
      'bs=4096',
      'oflag=append',
      'conv=notrunc',
    ]);
  }

  async received(): Promise<readonly string[]> {
    const names = (await readdir(this.#folder)).filter((name) => name.includes('conformance'));
    const order = (name: string) => /\d{8}T[\d.]+Z/.exec(name)?.[0] ?? '';
    names.sort((a, b) => (order(a) < order(b) ? -1 : 1));
    const texts = await Promise.all(names.map((name) => this.#read(path.join(this.#folder, name))));
    return texts.join('').split('\n').slice(0, -1);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await run(['umount', this.#folder]);
    await rm(this.#folder, { recursive: true });
  }

  async #read(file: string): Promise<string> {
    const bytes = await readFile(file);
    if (bytes.length === 0) return '';
    if (this.options['compression'] === 'gzip') return gunzipSync(bytes).toString();
    // Node.js' own reader stops behind the first frame.
    return this.options['compression'] === 'zstd' ? run(['zstd', '-dcq', file]) : bytes.toString();
  }
}
