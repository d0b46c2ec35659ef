import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { FloxyError, messageOf } from '../base/errors.ts';
import { formatSocketAddress, type SocketAddress } from '../config/socket-address.ts';
import { formatAddress } from '../model/address.ts';

/** What a page says at the moment. */
export interface Page {
  readonly contentType: string;
  readonly body: string;
}

/** Makes the page of one path. Takes no time worth mentioning: it waits for nothing. */
export type PageMaker = () => Page;

const MAX_CONNECTIONS = 64;
const MAX_HEADER_BYTES = 8192;
const HEADERS_MS = 5000;
const REQUEST_MS = 10_000;
const IDLE_MS = 5000;
/** A connection whose other end takes nothing for so long is cut. */
const UNREAD_MS = 15_000;
/** Whoever asks again so soon gets the same answer: any number of clients costs as much as one. */
const KEEP_MS = 250;

const METHODS = 'GET, HEAD';
const PLAIN = 'text/plain; charset=utf-8';

export interface HttpListenerOptions {
  readonly address: SocketAddress;
  /** Pages by path: `/metrics`. */
  readonly pages: Readonly<Record<string, PageMaker>>;
  readonly log: Logger;
}

/** Answers GET and HEAD of a few pages over HTTP, within limits: connections, headers and time. */
export class HttpListener {
  readonly #options: HttpListenerOptions;
  readonly #kept = new Map<string, { readonly page: Page; readonly untilMs: number }>();
  #server: Server | undefined;

  constructor(options: HttpListenerOptions) {
    this.#options = options;
  }

  /** @throws FloxyError INVALID_INPUT when the address cannot be listened on, with what to do */
  async start(): Promise<void> {
    const { address, log } = this.#options;
    const server = createServer(
      { maxHeaderSize: MAX_HEADER_BYTES, connectionsCheckingInterval: 1000 },
      (request, response) => this.#answer(request, response),
    );
    server.maxConnections = MAX_CONNECTIONS;
    server.headersTimeout = HEADERS_MS;
    server.requestTimeout = REQUEST_MS;
    server.keepAliveTimeout = IDLE_MS;
    server.setTimeout(UNREAD_MS);
    const text = formatSocketAddress(address);
    server.listen({ host: formatAddress(address.octets), port: address.port });
    try {
      await once(server, 'listening');
    } catch (error) {
      const what = `pages cannot be served at ${text}: ${messageOf(error)}`;
      throw new FloxyError('INVALID_INPUT', `${what}; choose another COLLECTOR_METRICS_ADDRESS`);
    }
    server.on('error', (error) => log.warn({ error: messageOf(error) }, 'HTTP listener'));
    this.#server = server;
    log.info({ address: text, pages: Object.keys(this.#options.pages) }, 'HTTP is served');
  }

  /** The TCP port that is listened on; of use when the configured one is 0. 0 while not started. */
  get boundPort(): number {
    const bound = this.#server?.address();
    return typeof bound === 'object' && bound !== null ? bound.port : 0;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { method = '' } = request;
    const path = request.url?.split('?', 1)[0] ?? '';
    // A body that nobody reads would keep the connection busy.
    if (hasBody(request)) response.setHeader('Connection', 'close');
    const maker = Object.hasOwn(this.#options.pages, path) ? this.#options.pages[path] : undefined;
    if (maker === undefined) {
      const known = Object.keys(this.#options.pages).join(' ');
      send(response, 404, { contentType: PLAIN, body: `not found; there are ${known}\n` });
    } else if (method !== 'GET' && method !== 'HEAD') {
      response.setHeader('Allow', METHODS);
      send(response, 405, { contentType: PLAIN, body: `only ${METHODS}\n` });
    } else this.#sendPage(path, maker, response);
  }

  #sendPage(path: string, maker: PageMaker, response: ServerResponse): void {
    try {
      send(response, 200, this.#pageOf(path, maker));
    } catch (error) {
      this.#options.log.error({ path, error: messageOf(error) }, 'a page could not be made');
      send(response, 500, {
        contentType: PLAIN,
        body: 'the page could not be made; see the log\n',
      });
    }
  }

  #pageOf(path: string, maker: PageMaker): Page {
    const nowMs = performance.now();
    const kept = this.#kept.get(path);
    if (kept !== undefined && kept.untilMs > nowMs) return kept.page;
    const page = maker();
    this.#kept.set(path, { page, untilMs: nowMs + KEEP_MS });
    return page;
  }
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/** Node leaves the body of an answer to HEAD out by itself. */
function send(response: ServerResponse, status: number, { contentType, body }: Page): void {
  response.writeHead(status, {
    'Content-Type': contentType,
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
  });
  response.end(body);
}
