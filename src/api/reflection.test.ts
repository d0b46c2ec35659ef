import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import type { UntypedHandleCall } from '@grpc/grpc-js';
import { pausing } from './reflection.ts';

const REQUESTS = 10_000;

test('reflection reads no further requests while the client does not read answers', async () => {
  let answered = 0;
  let letWrite: (() => void) | undefined;
  let isReading = false;
  let sent = 0;
  const stream = new Duplex({
    objectMode: true,
    read() {
      sent += 1;
      this.push(sent <= REQUESTS ? sent : null);
    },
    write(_answer, _encoding, callback) {
      if (isReading) callback();
      else letWrite = callback;
    },
  });
  const handler = (call: Duplex) => {
    call.on('data', (request) => {
      answered += 1;
      call.write(request);
    });
    call.on('end', () => call.end());
  };
  pausing(handler as unknown as UntypedHandleCall)(stream as never, undefined as never);
  await once(stream, 'pause');
  assert.ok(answered < 100, `${answered} answers wait`);

  isReading = true;
  letWrite?.();
  await once(stream, 'finish');
  assert.equal(answered, REQUESTS);
});
