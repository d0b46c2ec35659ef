import { closeSync, constants, fstatSync, openSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { EncodedBatch } from '../model/encoded-batch.ts';
import type { ProducerKind } from '../model/producer.ts';
import { framed, framingOption } from './framing.ts';
import type { Link } from './link.ts';
import { commonOptions } from './options.ts';
import { QueuedProducer } from './queued-producer.ts';

const STDOUT = 1;
/** A reader that is slow is asked so often whether there is room. */
const POLL_MS = 5;

const options = z.strictObject({ ...commonOptions, framing: framingOption });
type Options = z.output<typeof options>;

/** Writes messages to standard output. A reader that is slow holds nobody up: the queue fills. */
export const stdoutKind: ProducerKind<Options> = {
  name: 'stdout',
  options,
  create: (given, context) =>
    new QueuedProducer({
      options: given,
      context,
      name: 'stdout',
      link: () => new StdoutLink(given.framing),
    }),
};

class StdoutLink implements Link {
  #fd = STDOUT;
  /** What has been written of a batch stays written when it is sent again. */
  #batch: EncodedBatch | undefined;
  #rest: Buffer = Buffer.alloc(0);
  readonly #framing: Options['framing'];
  /** Something was written: what a stream begins with as well. */
  #begun = false;

  constructor(framing: Options['framing']) {
    this.#framing = framing;
  }

  async connect(): Promise<void> {
    this.#fd = withoutWaiting(STDOUT);
  }

  async send(batch: EncodedBatch, signal: AbortSignal): Promise<undefined> {
    if (batch !== this.#batch) {
      this.#batch = batch;
      this.#rest = framed(batch, this.#framing);
      if (!this.#begun && batch.header) this.#rest = Buffer.concat([batch.header, this.#rest]);
      this.#begun = true;
    }
    while (this.#rest.length > 0) {
      signal.throwIfAborted();
      const written = this.#write();
      if (written > 0) this.#rest = this.#rest.subarray(written);
      else await sleep(POLL_MS, undefined, { signal });
    }
    this.#batch = undefined;
  }

  async close(): Promise<void> {
    if (this.#fd !== STDOUT) closeSync(this.#fd);
    this.#fd = STDOUT;
  }

  #write(): number {
    try {
      return writeSync(this.#fd, this.#rest);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EAGAIN') return 0;
      if (code === 'EPIPE') throw new Error('nobody reads standard output any more (EPIPE)');
      throw error;
    }
  }
}

/** A descriptor of the same pipe or terminal that fails with EAGAIN instead of waiting; others are taken as they are. */
function withoutWaiting(fd: number): number {
  const kind = fstatSync(fd);
  if (!kind.isFIFO() && !kind.isCharacterDevice()) return fd;
  try {
    // Not by the descriptor itself, which other programs may share.
    return openSync(
      `/proc/self/fd/${fd}`,
      constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY,
    );
  } catch {
    return fd; // of another user
  }
}
