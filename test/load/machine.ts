/**
 * The machine, as far as load tests have to share it: they take turns, and they find out what it can do
 * before they ask for a share of it.
 */
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** Of an abstract socket: the kernel frees it with the process, however that ends. */
const NAME = '\0floxy-load-tests';
const RETRY_MS = 100;

/** Waits until no other test file puts load on the machine, and keeps others from it until disposed. */
export async function takeTurn(): Promise<AsyncDisposable> {
  for (;;) {
    const server = createServer();
    server.listen(NAME);
    const failure = await once(server, 'listening').catch((error: NodeJS.ErrnoException) => error);
    if (!(failure instanceof Error)) return { [Symbol.asyncDispose]: () => close(server) };
    if ((failure as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw failure;
    await delay(RETRY_MS);
  }
}

async function close(server: Server): Promise<void> {
  server.close();
  await once(server, 'close');
}
