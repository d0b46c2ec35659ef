import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { Metadata, type ServerWritableStream, status as Status } from '@grpc/grpc-js';
import { pino } from 'pino';
import { waitFor } from '../../test/lab/shell.ts';
import { loadServices } from '../protocol/definitions.ts';
import { ServerStreams, type StreamHandler } from './streaming.ts';

const log = pino({ level: 'silent' });

/** A call whose client reads nothing when it is full. */
class FakeStream extends EventEmitter {
  readonly request = Buffer.alloc(0);
  readonly metadata = new Metadata();
  readonly written: Buffer[] = [];
  isFull = false;
  hasEnded = false;
  error: { code: number } | undefined;

  constructor() {
    super();
    this.on('error', (error: { code: number }) => {
      this.error = error;
    });
  }
  get writableNeedDrain(): boolean {
    return this.isFull;
  }
  getPeer(): string {
    return '192.0.2.1:1';
  }
  write(bytes: Buffer): boolean {
    this.written.push(bytes);
    return !this.isFull;
  }
  end(): void {
    this.hasEnded = true;
  }
}

function open(handler: StreamHandler<never>, call: FakeStream, readLimitMs = 30_000) {
  const method = loadServices().settings['WatchProxyRules'];
  assert.ok(method);
  const streams = new ServerStreams({ limit: 1, log, readLimitMs });
  streams.method(method, handler)(call as unknown as ServerWritableStream<Buffer, Buffer>);
  return streams;
}

/** Yields for ever, and tells how often it was asked and whether it was let go. */
function endless() {
  const seen = { yielded: 0, isReturned: false };
  async function* handler() {
    try {
      for (;;) {
        seen.yielded += 1;
        yield { revision: '1' };
      }
    } finally {
      seen.isReturned = true;
    }
  }
  return { seen, handler };
}

test('a handler is asked for no more while its client does not read, and goes on when it does', async () => {
  const call = new FakeStream();
  call.isFull = true;
  const { seen, handler } = endless();
  const streams = open(handler, call);
  await waitFor('the first message', () => call.written.length === 1);
  await new Promise(setImmediate);
  assert.equal(seen.yielded, 1);
  call.emit('drain');
  await waitFor('the second message', () => call.written.length === 2);
  call.emit('cancelled');
  await waitFor('the handler is let go', () => seen.isReturned && streams.size === 0);
});

test('a client that does not read for too long is cut off', async () => {
  const call = new FakeStream();
  call.isFull = true;
  const { seen, handler } = endless();
  const streams = open(handler, call, 30);
  await waitFor('the stream ends', () => call.error);
  assert.equal(call.error?.code, Status.UNAVAILABLE);
  assert.deepEqual([seen.isReturned, streams.size], [true, 0]);
});

test('a handler that ends, ends the stream', async () => {
  const call = new FakeStream();
  const streams = open(async function* () {
    yield { revision: '1' };
  }, call);
  await waitFor('the end', () => call.hasEnded && streams.size === 0);
  assert.equal(call.written.length, 1);
});

test('a message that cannot be encoded ends the stream as an internal error', async () => {
  const call = new FakeStream();
  const { seen } = endless();
  open(async function* () {
    yield { part: 5 };
  }, call);
  await waitFor('the stream ends', () => call.error);
  assert.equal(call.error?.code, Status.INTERNAL);
  assert.equal(seen.yielded, 0);
});
