import path from 'node:path';
import { promisify } from 'node:util';
import { gzip, zstdCompress } from 'node:zlib';
import { z } from 'zod';
import type { EncodedBatch } from '../model/encoded-batch.ts';
import type { ProducerContext, ProducerKind } from '../model/producer.ts';
import { framed, framingOption } from './framing.ts';
import type { Link, LinkEvents, Outcome } from './link.ts';
import { fill, Name, nameOption } from './names.ts';
import { commonOptions, duration, size } from './options.ts';
import { completeAbandoned, PartFile } from './part-file.ts';
import { QueuedProducer } from './queued-producer.ts';

const COMPRESSIONS = {
  none: async (bytes: Buffer) => bytes,
  gzip: promisify(gzip),
  zstd: promisify(zstdCompress),
};

const options = z.strictObject({
  ...commonOptions,
  path: nameOption(
    'file to write, such as `/var/lib/flows/{pipeline}-{shard}-{time}.json`; `{time}` is when it was begun, in UTC',
    ['protocol', 'pipeline', 'shard', 'time'],
  ).refine(
    (file) => path.basename(file).includes('{time}') && !path.dirname(file).includes('{time}'),
    {
      error: 'its last part must have {time}, and no other part may',
    },
  ),
  rotate_bytes: size('100MiB', 'a file is complete when it has so many octets', 1024),
  rotate_every: duration('5m', 'and at each multiple of this time of day, in UTC', 100),
  compression: z
    .enum(['none', 'gzip', 'zstd'])
    .prefault('none')
    .meta({ description: '`none`, `gzip` or `zstd`; the ending of the path is not changed by it' }),
  fsync: z.enum(['never', 'close', 'batch']).prefault('close').meta({
    description:
      'when it waits for the disk: `never`, `close` (before a file gets its name), `batch` (each batch)',
  }),
  framing: framingOption,
});

type Options = z.output<typeof options>;

/**
 * Files, which get their names when they are complete: until then they begin with a dot and end in `.part`. Batches are
 * compressed one by one, as members of a gzip file or frames of a zstd file, so that a file is whole after each of them.
 */
export const fileKind: ProducerKind<Options> = {
  name: 'file',
  options,
  create: (given, context) => {
    const name = `file ${given.path}`;
    const { byProtocol } = new Name(given.path, context);
    const link = (events: LinkEvents) => new FileLink(given, context, events);
    return new QueuedProducer({ options: given, context, name, byProtocol, link });
  },
};

class FileLink implements Link {
  readonly #options: Options;
  readonly #context: ProducerContext;
  readonly #events: LinkEvents;
  readonly #name: Name;
  /** Those that are written to, by their name without the time. */
  readonly #parts = new Map<string, PartFile>();
  #rotation: NodeJS.Timeout | undefined;
  #open = false;
  /** Files are completed one after the other, also by the timer. */
  #turn: Promise<void> = Promise.resolve();

  constructor(given: Options, context: ProducerContext, events: LinkEvents) {
    this.#options = given;
    this.#context = context;
    this.#events = events;
    this.#name = new Name(given.path, context);
  }

  async connect(): Promise<void> {
    for (const name of this.#name.all()) {
      for (const file of await completeAbandoned(path.resolve(name), this.#options)) {
        this.#context.log.warn(`file ${file}: completed for a process that has gone`);
      }
    }
    this.#open = true;
    this.#planRotation();
  }

  async send(batch: EncodedBatch): Promise<Outcome | undefined> {
    const compress = COMPRESSIONS[this.#options.compression];
    const header = batch.header === undefined ? undefined : await compress(batch.header);
    const bytes = await compress(framed(batch, this.#options.framing));
    try {
      await this.#inTurn(() => this.#write(this.#name.for(batch.protocol), bytes, header));
      return undefined;
    } catch (error) {
      return { again: Array.from(batch.ends.keys()), error: error as Error };
    }
  }

  async close(): Promise<void> {
    this.#open = false;
    clearTimeout(this.#rotation);
    await this.#inTurn(() => this.#completeAll()).catch((error: Error) => this.#events.lost(error));
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.then(
      () => undefined,
      () => undefined,
    );
    return done;
  }

  async #write(name: string, bytes: Buffer, header: Buffer | undefined): Promise<void> {
    // What was being compressed when it was closed is not written any more.
    if (!this.#open) throw new Error('closed');
    let part = this.#parts.get(name);
    if (part === undefined) {
      part = await PartFile.create((time) => path.resolve(fill(name, { time })));
      this.#parts.set(name, part);
    }
    const isNew = part.size === 0 && header !== undefined;
    const whole = isNew ? Buffer.concat([header, bytes]) : bytes;
    await part.append(whole, this.#options.fsync === 'batch');
    if (part.size >= this.#options.rotate_bytes) await this.#complete(name, part);
  }

  async #completeAll(): Promise<void> {
    for (const [name, part] of this.#parts) await this.#complete(name, part);
  }

  async #complete(name: string, part: PartFile): Promise<void> {
    this.#parts.delete(name);
    await part.complete(this.#options.fsync !== 'never');
  }

  #planRotation(): void {
    const every = this.#options.rotate_every;
    this.#rotation = setTimeout(
      () => {
        this.#inTurn(() => this.#completeAll()).catch((error: Error) => this.#events.lost(error));
        this.#planRotation();
      },
      every - (Date.now() % every),
    );
  }
}
