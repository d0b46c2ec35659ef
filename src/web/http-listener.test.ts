import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { pino } from 'pino';
import { waitFor } from '../../test/lab/shell.ts';
import { HttpListener } from './http-listener.ts';
import { kept, type PageMaker } from './page.ts';

const LOOPBACK = Uint8Array.of(127, 0, 0, 1);
const log = pino({ enabled: false });

async function listen(
  pages: Readonly<Record<string, PageMaker>>,
  { port = 0, unreadMs }: { readonly port?: number; readonly unreadMs?: number } = {},
) {
  const address = { octets: LOOPBACK, port };
  const listener = new HttpListener({
    address,
    setting: 'COLLECTOR_METRICS_ADDRESS',
    pages,
    log,
    ...(unreadMs && { unreadMs }),
  });
  await listener.start();
  return {
    port: listener.boundPort,
    url: `http://127.0.0.1:${listener.boundPort}`,
    figures: () => listener.figures(),
    [Symbol.asyncDispose]: () => listener.stop(),
  };
}

const HELLO: Readonly<Record<string, PageMaker>> = {
  '/hello': () => ({ contentType: 'text/plain', body: 'grüezi\n' }),
};

/** The whole answer to what was written, until the other end closes. */
async function exchange(port: number, request: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.end(request);
  return await text(socket);
}

test('GET answers the page, HEAD the same without body', async () => {
  await using at = await listen(HELLO);
  const answer = await fetch(`${at.url}/hello?any=thing`);
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get('content-type'), 'text/plain');
  assert.equal(await answer.text(), 'grüezi\n');
  const head = await exchange(
    at.port,
    'HEAD /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
  );
  assert.match(head, /^HTTP\/1\.1 200 OK\r\n/);
  assert.match(head, /\r\nContent-Length: 8\r\n/);
  assert.match(head, /\r\n\r\n$/);
});

test('other paths are not found, other methods are not allowed, and what would be is told', async () => {
  await using at = await listen(HELLO);
  for (const path of ['/', '/hello/', '/hello/../hello%00', '/constructor', '//hello']) {
    const answer = await fetch(at.url + path);
    assert.equal(answer.status, 404, path);
    assert.match(await answer.text(), /\/hello/);
  }
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']) {
    const answer = await fetch(`${at.url}/hello`, { method });
    assert.equal(answer.status, 405, method);
    assert.equal(answer.headers.get('allow'), 'GET, HEAD');
    await answer.text();
  }
});

test('a body is not waited for: the connection closes behind the answer', async () => {
  await using at = await listen(HELLO);
  const request = 'POST /hello HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\nabc';
  const socket = connect(at.port, '127.0.0.1');
  socket.write(request);
  assert.match(await text(socket), /^HTTP\/1\.1 405 .*\r\nConnection: close\r\n/s);
});

test('what is no HTTP, or too long, is refused, and others are served meanwhile', async () => {
  await using at = await listen(HELLO);
  assert.match(await exchange(at.port, 'hello\r\n\r\n'), /^HTTP\/1\.1 400 /);
  const long = `GET /hello HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`;
  assert.match(await exchange(at.port, long), /^HTTP\/1\.1 431 /);
  assert.equal((await fetch(`${at.url}/hello`)).status, 200);
});

test('connections that say nothing take no more room than there is, and go', async () => {
  await using at = await listen(HELLO);
  const silent: Socket[] = [];
  let closed = 0;
  for (let i = 0; i < 200; i++) {
    const socket = connect(at.port, '127.0.0.1');
    socket
      .on('error', () => undefined)
      .on('close', () => closed++)
      .resume();
    silent.push(socket);
  }
  await waitFor('those above the limit to be closed', () => closed >= 200 - 64);
  await waitFor('the silent ones to be closed', () => closed === 200);
  assert.equal((await fetch(`${at.url}/hello`)).status, 200);
});

test('S31: a page that is not read is made no further, and its connection goes; others are served', async () => {
  let made = 0;
  const pages: Readonly<Record<string, PageMaker>> = {
    ...HELLO,
    '/endless': () => ({
      contentType: 'text/plain',
      body: {
        *[Symbol.iterator]() {
          for (;;) {
            made++;
            yield 'x'.repeat(16_384);
          }
        },
      },
    }),
  };
  await using at = await listen(pages, { unreadMs: 500 });
  const socket = connect(at.port, '127.0.0.1');
  socket.on('error', () => undefined).pause();
  socket.write('GET /endless HTTP/1.1\r\nHost: a\r\n\r\n');
  await once(socket, 'connect');
  await waitFor('the page to be begun', () => made > 0);
  assert.equal((await fetch(`${at.url}/hello`)).status, 200);
  await waitFor('the connection to be cut', () => at.figures().connections === 0);
  // What fits into the buffers of sockets.
  assert.ok(made < 2000, `${made}`);
  socket.destroy();
});

test('a page that fails half-way is cut off: it is not taken for whole', async () => {
  await using at = await listen({
    '/half': () => ({
      contentType: 'text/plain',
      body: {
        *[Symbol.iterator]() {
          yield 'half';
          throw new Error('secret');
        },
      },
    }),
  });
  await assert.rejects(async () => await (await fetch(`${at.url}/half`)).text());
});

test('answers are counted by page and status', async () => {
  await using at = await listen(HELLO);
  for (const path of ['/hello', '/hello', '/a', '/b']) await (await fetch(at.url + path)).text();
  await (await fetch(`${at.url}/hello`, { method: 'POST' })).text();
  const { answers } = at.figures();
  const told = answers.map(({ page, code, count }) => `${page} ${code} ${count}`);
  assert.deepEqual(told.toSorted(), ['/hello 200 2', '/hello 405 1', 'other 404 2']);
});

test('a page that fails answers 500 without its reason', async () => {
  await using at = await listen({
    '/broken': () => {
      throw new Error('secret');
    },
  });
  const answer = await fetch(`${at.url}/broken`);
  assert.equal(answer.status, 500);
  assert.doesNotMatch(await answer.text(), /secret/);
});

test('a page is made once for all who ask at the same time', async () => {
  let made = 0;
  await using at = await listen({
    '/n': kept(() => ({ contentType: 'text/plain', body: `${++made}` })),
  });
  const answers = await Promise.all(Array.from({ length: 50 }, () => fetch(`${at.url}/n`)));
  await Promise.all(answers.map((answer) => answer.text()));
  assert.ok(made < 50);
});

test('an address that is taken is told with the setting', async () => {
  await using at = await listen(HELLO);
  await assert.rejects(
    listen(HELLO, { port: at.port }),
    /127\.0\.0\.1:\d+: another program listens there; set COLLECTOR_METRICS_ADDRESS/,
  );
});

test('it stops while clients hold connections', async () => {
  const at = await listen(HELLO);
  const socket = connect(at.port, '127.0.0.1');
  await once(socket, 'connect');
  socket.on('error', () => undefined);
  await at[Symbol.asyncDispose]();
  await assert.rejects(fetch(`${at.url}/hello`));
});
