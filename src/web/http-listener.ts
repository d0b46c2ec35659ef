import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { FloxyError, messageOf } from '../base/errors.ts';
import { formatSocketAddress, type SocketAddress } from '../config/socket-address.ts';
import { formatAddress } from '../model/address.ts';
import { type PageMaker, type PageRequest, sendPage } from './page.ts';

const MAX_CONNECTIONS = 64;
const MAX_HEADER_BYTES = 8192;
const HEADERS_MS = 5000;
const REQUEST_MS = 10_000;
const IDLE_MS = 5000;
/** A connection whose other end takes nothing for so long is cut. */
const UNREAD_MS = 15_000;

const METHODS = 'GET, HEAD';
const PLAIN = 'text/plain; charset=utf-8';

/** Of requests to paths that are no pages. */
const NO_PAGE = 'other';

export interface HttpListenerOptions {
  readonly address: SocketAddress;
  /** The setting that says where, for messages. */
  readonly setting: string;
  /** Pages by path: `/metrics`. */
  readonly pages: Readonly<Record<string, PageMaker>>;
  readonly log: Logger;
  /** Replaced in tests. */
  readonly unreadMs?: number;
}

/** What a listener has done since it was made. */
export interface HttpFigures {
  /** Answers by path and status; of all paths that are no pages together, as `other`. */
  readonly answers: readonly {
    readonly page: string;
    readonly code: number;
    readonly count: number;
  }[];
  readonly connections: number;
  /** Connections that were closed because there were too many. */
  readonly refused: number;
}

/** Answers GET and HEAD of a few pages over HTTP, within limits: connections, headers and time. */
export class HttpListener {
  readonly #options: HttpListenerOptions;
  /** By page and code: `/metrics 200`. */
  readonly #answers = new Map<string, number>();
  #server: Server | undefined;
  #connections = 0;
  #refused = 0;

  constructor(options: HttpListenerOptions) {
    this.#options = options;
  }

  /** @throws FloxyError INVALID_INPUT when the address cannot be listened on, with what to do */
  async start(): Promise<void> {
    const { address, log } = this.#options;
    const server = this.#makeServer();
    const text = formatSocketAddress(address);
    server.listen({ host: formatAddress(address.octets), port: address.port });
    try {
      await once(server, 'listening');
    } catch (error) {
      throw new FloxyError('INVALID_INPUT', cannotListen(text, error, this.#options.setting));
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

  figures(): HttpFigures {
    const answers = [...this.#answers].map(([key, count]) => {
      const [page = '', code] = key.split(' ');
      return { page, code: Number(code), count };
    });
    return { answers, connections: this.#connections, refused: this.#refused };
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

  #makeServer(): Server {
    const server = createServer(
      { maxHeaderSize: MAX_HEADER_BYTES, connectionsCheckingInterval: 1000 },
      (request, response) => {
        this.#answer(request, response).catch((error: unknown) => {
          this.#options.log.error({ error: messageOf(error) }, 'an answer could not be sent');
          response.destroy();
        });
      },
    );
    server.maxConnections = MAX_CONNECTIONS;
    server.headersTimeout = HEADERS_MS;
    server.requestTimeout = REQUEST_MS;
    server.keepAliveTimeout = IDLE_MS;
    server.setTimeout(this.#options.unreadMs ?? UNREAD_MS);
    server.on('connection', (socket) => {
      this.#connections++;
      socket.once('close', () => this.#connections--);
    });
    server.on('drop', () => this.#refused++);
    return server;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '' } = request;
    const { path, query } = splitUrl(request.url ?? '');
    // A body that nobody reads would keep the connection busy.
    if (hasBody(request)) response.setHeader('Connection', 'close');
    const { pages } = this.#options;
    const maker = Object.hasOwn(pages, path) ? pages[path] : undefined;
    response.once('close', () => this.#count(maker === undefined ? NO_PAGE : path, response));
    if (maker === undefined) {
      const known = Object.keys(pages).join(' ');
      await sendText(response, 404, `not found; there are ${known}\n`);
    } else if (method !== 'GET' && method !== 'HEAD') {
      response.setHeader('Allow', METHODS);
      await sendText(response, 405, `only ${METHODS}\n`);
    } else {
      await this.#sendPage(maker, { query, accept: request.headers.accept ?? '' }, response);
    }
  }

  async #sendPage(maker: PageMaker, request: PageRequest, response: ServerResponse): Promise<void> {
    let page: Awaited<ReturnType<PageMaker>>;
    try {
      page = await maker(request);
    } catch (error) {
      if (error instanceof FloxyError && error.code === 'INVALID_INPUT') {
        return sendText(response, 400, `${error.message}\n`);
      }
      this.#options.log.error(
        { url: response.req.url?.slice(0, 200), error: messageOf(error) },
        'a page could not be made',
      );
      return sendText(response, 500, 'the page could not be made; see the log\n');
    }
    return sendPage(response, page);
  }

  #count(page: string, { statusCode }: ServerResponse): void {
    const key = `${page} ${statusCode}`;
    this.#answers.set(key, (this.#answers.get(key) ?? 0) + 1);
  }
}

function cannotListen(address: string, error: unknown, setting: string): string {
  const isTaken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
  const why = isTaken ? 'another program listens there' : messageOf(error);
  return `pages cannot be served at ${address}: ${why}; set ${setting} to another address, or to off`;
}

function splitUrl(url: string): { path: string; query: URLSearchParams } {
  const mark = url.indexOf('?');
  if (mark < 0) return { path: url, query: new URLSearchParams() };
  return { path: url.slice(0, mark), query: new URLSearchParams(url.slice(mark + 1)) };
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

function sendText(response: ServerResponse, status: number, body: string): Promise<void> {
  return sendPage(response, { status, contentType: PLAIN, body });
}
