import { type AddressInfo, createServer, type Server as Listener, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { Logger } from 'pino';
import { FloxyError, messageOf } from '../../base/errors.ts';
import type { SocketAddress } from '../../config/config.ts';
import { formatEndpoint, makeEndpoint } from '../../model/endpoint.ts';
import type { ServerTls } from '../credentials.ts';
import { type ConnectionLimits, Connections } from './connections.ts';

const LOG_INTERVAL_MS = 10_000;

export interface FrontParts {
  readonly address: SocketAddress;
  readonly tls: ServerTls | undefined;
  readonly limits: ConnectionLimits;
  readonly log: Logger;
}

/**
 * The listening socket before grpc-js, which hides why an address cannot be used, has no limit of connections, and
 * waits two minutes for a TLS handshake.
 */
export class Front {
  readonly #parts: FrontParts;
  readonly connections: Connections;
  #listener: Listener | undefined;

  constructor(parts: FrontParts) {
    this.#parts = parts;
    const { limits, log } = parts;
    const refused = sampled(LOG_INTERVAL_MS, () => {
      log.warn({ limit: limits.connections }, 'API closes connections: too many are in use');
    });
    this.connections = new Connections(limits, refused);
  }

  /**
   * @param serve takes connections, whose TLS is done
   * @throws FloxyError INVALID_INPUT when the address cannot be used, with what to do
   */
  async start(serve: (socket: Socket) => void): Promise<void> {
    const { address, log } = this.#parts;
    const listener = this.#makeListener(serve);
    await listen(listener, address);
    this.#listener = listener;
    listener.on('error', (err) => log.error({ err }, 'API cannot accept connections'));
    this.connections.start();
  }

  /** The TCP port that is listened on; 0 while there is none. */
  get boundPort(): number {
    const address = this.#listener?.address() as AddressInfo | null | undefined;
    return address?.port ?? 0;
  }

  /** Takes no more connections; those that are open stay. */
  close(): void {
    this.#listener?.close();
    this.connections.stop();
  }

  #makeListener(serve: (socket: Socket) => void): Listener {
    const { tls, limits } = this.#parts;
    const options = { noDelay: true };
    if (tls === undefined) {
      return createServer(options, (socket) => {
        if (this.connections.add(socket)) serve(socket);
      });
    }
    const secure = {
      ...options,
      ...tls,
      handshakeTimeout: limits.firstWordMs,
      ALPNProtocols: ['h2'],
    };
    const listener = createTlsServer(secure, serve);
    // Before the handshake.
    listener.prependListener('connection', (socket: Socket) => this.connections.add(socket));
    listener.on('tlsClientError', (_error, socket) => socket.destroy());
    return listener;
  }
}

/** Calls a function at most once in an interval. */
function sampled(intervalMs: number, call: () => void): () => void {
  let last = Number.NEGATIVE_INFINITY;
  return () => {
    const now = performance.now();
    if (now - last < intervalMs) return;
    last = now;
    call();
  };
}

async function listen(listener: Listener, { octets, port }: SocketAddress): Promise<void> {
  const { host } = makeEndpoint(octets, port);
  await new Promise<void>((resolve, reject) => {
    const onError = (err: NodeJS.ErrnoException) => reject(cannotListen(octets, port, err));
    listener.once('error', onError);
    listener.listen({ host, port }, () => {
      listener.off('error', onError);
      resolve();
    });
  });
}

const SETTINGS = 'COLLECTOR_API_ADDRESS or COLLECTOR_BACKEND_METRICS_PORT';

/** What to do about the usual causes. */
const ADVICE: Readonly<Record<string, string>> = {
  EADDRINUSE: `another program listens there; stop it, or set ${SETTINGS}`,
  EADDRNOTAVAIL:
    'this host has no such address (is loopback down? `ip link set lo up`); set COLLECTOR_API_ADDRESS to one that it has',
  EACCES: `ports below 1024 need CAP_NET_BIND_SERVICE; set ${SETTINGS}`,
  EAFNOSUPPORT: 'this host has no IPv6; set COLLECTOR_API_ADDRESS to an IPv4 address',
};

function cannotListen(octets: Uint8Array, port: number, cause: NodeJS.ErrnoException): FloxyError {
  const address = formatEndpoint(makeEndpoint(octets, port));
  const advice = ADVICE[cause.code ?? ''] ?? `${messageOf(cause)}; set ${SETTINGS}`;
  const code = cause.code === undefined ? '' : ` (${cause.code})`;
  return new FloxyError('INVALID_INPUT', `the API cannot listen on ${address}${code}: ${advice}`, {
    cause,
  });
}
