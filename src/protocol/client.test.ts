import assert from 'node:assert/strict';
import { test } from 'node:test';
import { status as Status } from '@grpc/grpc-js';
import { startApi } from '../../test/api/harness.ts';
import { FloxyError } from '../base/errors.ts';
import { CallError, GrpcClient } from './client.ts';

const keep = (bytes: Buffer) => bytes;
const LIST = { path: '/collector.proto.Settings/ListProxyRules', encode: keep, decode: keep };
const NOTHING = Buffer.alloc(0);

async function failure(call: Promise<unknown>): Promise<CallError> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof CallError);
  return error;
}

test('an answer has its headers', async () => {
  await using api = await startApi();
  const client = new GrpcClient({ target: api.address, tls: undefined });
  const answer = await client.call(LIST, NOTHING, { timeoutMs: 10_000 });
  assert.equal(answer.header('collector-rules-revision'), '0');
  client.close();
});

test('a failure tells who failed, and brings no control characters to a terminal', async () => {
  await using api = await startApi();
  api.control.failure = new FloxyError('NOT_FOUND', 'red: \u001b[31m, bell: \u0007');
  const client = new GrpcClient({ target: api.address, tls: undefined });
  const refused = await failure(client.call(LIST, NOTHING, { timeoutMs: 10_000 }));
  assert.deepEqual([refused.kind, refused.code], ['refused', Status.NOT_FOUND]);
  assert.equal(refused.message, 'red: \\u001b[31m, bell: \\u0007');
  client.close();
  const nobody = new GrpcClient({ target: '127.0.0.1:9', tls: undefined });
  const unreachable = await failure(nobody.call(LIST, NOTHING, { timeoutMs: 10_000 }));
  assert.equal(unreachable.kind, 'unreachable');
  assert.match(unreachable.message, /^connect ECONNREFUSED 127\.0\.0\.1:9$/);
  nobody.close();
});

test('a service that does not answer is told from one that is not there', async () => {
  await using api = await startApi();
  api.control.change = () => new Promise(() => undefined);
  const client = new GrpcClient({ target: api.address, tls: undefined });
  const replace = { ...LIST, path: '/collector.proto.Settings/ReplaceProxyRules' };
  const error = await failure(client.call(replace, NOTHING, { timeoutMs: 300 }));
  assert.equal(error.kind, 'timeout');
  client.close();
});

test('files of TLS that are none are named as such', () => {
  const tls = {
    caPath: '/none',
    certificatePath: undefined,
    keyPath: undefined,
    serverName: undefined,
  };
  assert.throws(
    () => new GrpcClient({ target: 'x:1', tls }),
    /files for TLS cannot be used: ENOENT/,
  );
});
