import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { Server, ServerCredentials, type ServiceDefinition, status } from '@grpc/grpc-js';
import { GobgpBackend } from './gobgp-backend.ts';
import { RouteError } from './route-backend.ts';

const ADDRESSES = ['192.0.2.100', '2001:db8::100'];

interface FakeServer extends Disposable {
  readonly target: string;
}

/** A gRPC server that knows the given methods, and answers nothing but empty messages. */
async function startServer(paths: readonly string[], code?: status): Promise<FakeServer> {
  const keep = (bytes: Buffer): Buffer => bytes;
  const server = new Server();
  for (const path of paths) {
    const definition: ServiceDefinition = {
      Method: {
        path,
        requestStream: false,
        responseStream: path.endsWith('ListPath'),
        requestSerialize: keep,
        requestDeserialize: keep,
        responseSerialize: keep,
        responseDeserialize: keep,
      },
    };
    server.addService(definition, {
      Method: (
        call: { emit?: (name: string, error: object) => void; end?: () => void },
        respond?: (error: object | null, answer?: Buffer) => void,
      ) => {
        const error =
          code === undefined ? null : { code, details: "bgp server hasn't started yet" };
        if (respond !== undefined) return respond(error, Buffer.alloc(0));
        if (error === null) call.end?.();
        else call.emit?.('error', error);
      },
    });
  }
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  return { target: `127.0.0.1:${port}`, [Symbol.dispose]: () => server.forceShutdown() };
}

async function failureAt(target: string): Promise<string> {
  const backend = new GobgpBackend(target, ADDRESSES);
  try {
    await backend.announced();
  } catch (error) {
    assert.ok(error instanceof RouteError);
    return error.message;
  } finally {
    backend.close();
  }
  throw new assert.AssertionError({ message: 'no failure' });
}

test('gobgpd 4 is told from gobgpd 3, with what to do', async () => {
  using server = await startServer(['/api.GoBgpService/GetBgp']);
  const message = await failureAt(server.target);
  assert.match(message, /version 4 or newer.*run gobgpd 3.*COLLECTOR_ANNOUNCE_METHOD=kernel/);
  assert.ok(message.includes(server.target));
});

test('a server that is no gobgpd at all is called that', async () => {
  using server = await startServer(['/somebody.Else/Call']);
  assert.match(await failureAt(server.target), /does not know apipb\.GobgpApi: is another program/);
});

test('a refusal of gobgpd is passed on', async () => {
  using server = await startServer(['/apipb.GobgpApi/ListPath'], status.UNKNOWN);
  assert.match(await failureAt(server.target), /refused: bgp server hasn't started yet/);
});

test('a gobgpd that is not there: the message says where and why', async () => {
  const listener = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => listener.once('listening', resolve));
  const address = listener.address();
  await new Promise((resolve) => listener.close(resolve));
  assert.ok(typeof address === 'object' && address !== null);
  const message = await failureAt(`127.0.0.1:${address.port}`);
  assert.match(message, /^gobgpd at 127\.0\.0\.1:\d+ cannot be reached: connect ECONNREFUSED/);
});
