import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MethodDefinition } from '@grpc/grpc-js';
import { FloxyError } from '../base/errors.ts';
import type { CallContext } from './call-context.ts';
import { answerOnce, type Method } from './method.ts';
import { Workload } from './workload.ts';

/** A client that goes when it has been looked for so often. */
function leaving(looks: number): CallContext {
  let left = looks;
  const never = new AbortController().signal;
  return {
    headers: {},
    addressFormat: 'text',
    peer: '192.0.2.1:1',
    caller: { who: 'somebody', role: 'admin', from: '192.0.2.1:1' },
    signal: never,
    stopping: never,
    work: async (job) => job(),
    throwIfGone: () => {
      if (left-- === 0) throw new FloxyError('NOT_READY', 'the client has gone');
    },
  };
}

const MIB = 1024 * 1024;
const ITEMS = 1000;

/** A method that counts the parts of requests and answers that it handles. */
function counting() {
  const seen = { decoded: 0, answered: 0, encoded: 0 };
  const definition = {
    requestDeserialize: () => {
      seen.decoded++;
      return {};
    },
    responseSerialize: () => {
      seen.encoded++;
      return Buffer.alloc(0);
    },
  } as unknown as MethodDefinition<object, object>;
  const method: Extract<Method, { kind: 'unary' }> = {
    kind: 'unary',
    role: 'viewer',
    definition,
    limits: { maxBytes: 2 * MIB, maxItems: 0 },
    isLong: true,
    handler: () => {
      seen.answered++;
      return { parts: Array.from({ length: ITEMS }, () => ({})) };
    },
  };
  return { method, seen };
}

/** Field 1 with 100 bytes, again and again. */
const LARGE_REQUEST = Buffer.alloc(
  MIB - (MIB % 102),
  Buffer.concat([Buffer.of(0x0a, 100), Buffer.alloc(100)]),
);

test('a large request is read no further when its client has gone, and not answered', async () => {
  const { method, seen } = counting();
  const call = { context: leaving(2), workload: new Workload() };
  await assert.rejects(answerOnce(method, LARGE_REQUEST, call), { code: 'NOT_READY' });
  assert.deepEqual(seen, { decoded: 2, answered: 0, encoded: 0 });
});

test('a long answer is made no further when its client has gone', async () => {
  const { method, seen } = counting();
  const call = { context: leaving(3), workload: new Workload() };
  await assert.rejects(answerOnce(method, Buffer.alloc(0), call), { code: 'NOT_READY' });
  assert.deepEqual(seen, { decoded: 1, answered: 1, encoded: 3 });
});
