import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  Metadata,
  type ServerUnaryCall,
  type ServiceDefinition,
  status as Status,
} from '@grpc/grpc-js';
import { pino } from 'pino';
import { loadServices } from '../protocol/definitions.ts';
import { type Handler, implementService, unary } from './unary.ts';

const log = pino({ level: 'silent' });
const { settings } = loadServices();

function methodNamed(name: string): ServiceDefinition[string] {
  const method = settings[name];
  assert.ok(method);
  return method;
}

/** A call as grpc-js hands it to a handler. */
function fakeCall(request: Buffer) {
  const call = {
    request,
    metadata: new Metadata(),
    cancelled: false,
    sent: [] as Metadata[],
    getPeer: () => '192.0.2.1:1',
    sendMetadata: (headers: Metadata) => call.sent.push(headers),
  };
  return call;
}

function run(name: string, handler: Handler<never>, call: ReturnType<typeof fakeCall>) {
  return new Promise<{ code: Status | undefined; answer: Buffer | undefined }>((resolve) => {
    unary(
      methodNamed(name),
      handler,
      log,
    )(call as unknown as ServerUnaryCall<Buffer, Buffer>, (error, answer) =>
      resolve({ code: error?.code ?? undefined, answer: answer ?? undefined }),
    );
  });
}

test('handlers that throw, reject or fail while they answer all give an answer', async () => {
  const failure = new Error('secret');
  const handlers: Record<string, Handler<object>> = {
    throws: () => {
      throw failure;
    },
    rejects: () => Promise.reject(failure),
    'fails in a later part': () => ({
      parts: (function* () {
        yield {};
        throw failure;
      })(),
    }),
    'answers what is no message': () => ({ parts: [{ rules: 5 }] }),
  };
  for (const [name, handler] of Object.entries(handlers)) {
    const { code } = await run('ListProxyRules', handler, fakeCall(Buffer.alloc(0)));
    assert.equal(code, Status.INTERNAL, name);
  }
});

test('a connection that has gone has an unknown peer, and does not fail the call', async () => {
  const call = fakeCall(Buffer.alloc(0));
  call.getPeer = () => {
    throw new Error('The socket has been disconnected');
  };
  let seen: string | undefined;
  const handler: Handler<object> = (_request, { peer }) => {
    seen = peer;
    return { parts: [{}] };
  };
  assert.equal((await run('ListProxyRules', handler, call)).code, undefined);
  assert.equal(seen, 'unknown');
});

test('a large request whose client has gone is not handled', async () => {
  const rules = new Array(20_000).fill({ exporter: { endpoint: { host: '192.0.2.1' } } });
  const call = fakeCall(methodNamed('ReplaceProxyRules').requestSerialize({ rules }));
  let isHandled = false;
  const handler: Handler<object> = () => {
    isHandled = true;
    return { parts: [{}] };
  };
  const outcome = run('ReplaceProxyRules', handler, call);
  call.cancelled = true;
  assert.equal((await outcome).code, Status.UNAVAILABLE);
  assert.equal(isHandled, false);
});

test('headers go before the answer, and only with an answer', async () => {
  const headers = new Metadata();
  const good = fakeCall(Buffer.alloc(0));
  await run('ListProxyRules', () => ({ parts: [{}], headers }), good);
  assert.deepEqual(good.sent, [headers]);
  const bad = fakeCall(Buffer.alloc(0));
  await run('ListProxyRules', () => ({ parts: [{ rules: 5 }], headers }), bad);
  assert.deepEqual(bad.sent, []);
});

test('a service is refused when a method has no handler, or a handler no method', () => {
  const handler: Handler<never> = () => ({ parts: [{}] });
  const definition = { ListProxyRules: methodNamed('ListProxyRules') };
  assert.throws(() => implementService(definition, {}, log), /ListProxyRules has no handler/);
  const handlers = { ListProxyRules: handler, ListProxyRulse: handler };
  assert.throws(() => implementService(definition, handlers, log), /ListProxyRulse has no method/);
});
