import assert from 'node:assert/strict';
import { test } from 'node:test';
import { status as Status } from '@grpc/grpc-js';
import { FloxyError } from '../base/errors.ts';
import { fitMessage, statusOf } from './status.ts';

test('each code of expected failures has its gRPC status', () => {
  const expected = {
    INVALID_INPUT: Status.INVALID_ARGUMENT,
    NOT_FOUND: Status.NOT_FOUND,
    REVISION_MISMATCH: Status.ABORTED,
    LIMIT_EXCEEDED: Status.RESOURCE_EXHAUSTED,
    STORE_UNWRITABLE: Status.FAILED_PRECONDITION,
    NOT_READY: Status.UNAVAILABLE,
    NOT_CONFIGURED: Status.FAILED_PRECONDITION,
    DATA_PLANE: Status.FAILED_PRECONDITION,
  } as const;
  for (const [code, status] of Object.entries(expected)) {
    const thrown = new FloxyError(code as keyof typeof expected, 'why');
    assert.deepEqual(statusOf(thrown), { code: status, details: 'why' });
  }
});

test('what is not an expected failure tells the client nothing of its reason', () => {
  for (const thrown of [new Error('secret'), 'secret', undefined]) {
    const { code, details } = statusOf(thrown);
    assert.equal(code, Status.INTERNAL);
    assert.equal(details, "internal error (see the service's log)");
  }
});

test('a message that fits is left as it is', () => {
  for (const message of ['', 'short', 'x'.repeat(4096), 'правило', '🙂'.repeat(300)]) {
    assert.equal(fitMessage(message), message);
  }
});

test('a long message is cut to 4 KiB as it goes over the wire, between characters', () => {
  for (const message of [
    'x'.repeat(4097),
    'я'.repeat(10_000),
    '🙂'.repeat(5000),
    `x${'🙂'.repeat(5000)}`,
  ]) {
    const fitted = fitMessage(message);
    assert.ok(encodeURI(fitted).length <= 4096);
    assert.ok(encodeURI(fitted).length > 4000);
    assert.ok(fitted.endsWith(' … (cut)'));
    assert.ok(message.startsWith(fitted.replace(' … (cut)', '')));
  }
});

test('half a surrogate pair, which cannot be encoded, is replaced', () => {
  assert.equal(fitMessage('a\ud83d b'), 'a\ufffd b');
  assert.doesNotThrow(() => encodeURI(fitMessage(`${'x'.repeat(4095)}🙂`)));
});
