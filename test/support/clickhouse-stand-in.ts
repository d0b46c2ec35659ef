import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { freeTcpPort } from './free-port.ts';
import type { TestPeer } from './producer-conformance.ts';

/** Messages as the conformance test makes them, one behind the other. */
const MESSAGE = /k\d+:\d+:x*/g;

/**
 * The HTTP interface of ClickHouse as far as a producer uses it, which takes whatever it is sent: what every kind of
 * producers has to do is tested with messages that are no blocks.
 */
export class ClickhouseStandIn implements TestPeer {
  readonly options: Record<string, unknown>;
  readonly #port: number;
  readonly #messages: string[] = [];
  #server: Server | undefined;
  #stalled = false;

  private constructor(port: number) {
    this.#port = port;
    this.options = { url: `http://127.0.0.1:${port}`, send_timeout: '5s' };
  }

  static async make(): Promise<ClickhouseStandIn> {
    return new ClickhouseStandIn(await freeTcpPort());
  }

  async up(): Promise<void> {
    this.#stalled = false;
    if (this.#server !== undefined) return;
    const server = createServer((request, response) => {
      // A connection that breaks is no matter of the test.
      this.#serve(request, response).catch(() => undefined);
    });
    this.#server = server;
    server.listen(this.#port, '127.0.0.1');
    await once(server, 'listening');
  }

  async down(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  }

  async stall(): Promise<void> {
    this.#stalled = true;
  }

  async received(): Promise<readonly string[]> {
    return this.#messages;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.down();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(request);
    if (this.#stalled) return;
    const { searchParams } = new URL(request.url ?? '/', 'http://localhost');
    if (searchParams.has('query')) this.#messages.push(...(body.toString().match(MESSAGE) ?? []));
    response.end();
  }
}

/** A server that answers each request in the way given. */
export class AnsweringServer implements AsyncDisposable {
  readonly url: string;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  /** @param answer for statements and inserts alike; 200 and nothing when it gives undefined */
  static async start(
    answer: (query: string) => { status: number; text: string } | undefined,
  ): Promise<AnsweringServer> {
    const server = createServer((request, response) => {
      const { searchParams } = new URL(request.url ?? '/', 'http://localhost');
      buffer(request)
        .then((body) => answer(searchParams.get('query') ?? body.toString()))
        .then((given) => response.writeHead(given?.status ?? 200).end(given?.text))
        .catch(() => response.destroy());
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new AnsweringServer(server);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
