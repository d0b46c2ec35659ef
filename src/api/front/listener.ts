import { type AddressInfo, createServer, type Server as Listener, type Socket } from 'node:net';
import { createServer as createTlsServer, type Server as TlsListener } from 'node:tls';
import type { Logger } from 'pino';
import type { Access } from '../../access/access.ts';
import { certificateNames, peerOfTcp } from '../../access/peer.ts';
import { FloxyError, messageOf } from '../../base/errors.ts';
import type { ApiConfig, SocketAddress } from '../../config/config.ts';
import { formatEndpoint, makeEndpoint } from '../../model/endpoint.ts';
import type { ServerTls } from '../credentials.ts';
import type { Rejections } from '../rejections.ts';
import { CertificateWatch } from './certificate-watch.ts';
import { type Connection, type ConnectionLimits, Connections } from './connections.ts';
import { UnixListener } from './unix-listener.ts';

export interface FrontParts {
  readonly config: ApiConfig;
  /** What the files of the settings have at the start; undefined = no TLS. */
  readonly tls: ServerTls | undefined;
  readonly access: Access;
  readonly rejections: Rejections;
  readonly limits: ConnectionLimits;
  readonly log: Logger;
}

/**
 * The listening sockets before grpc-js, which hides why an address cannot be used, has no limit of connections, waits
 * two minutes for a TLS handshake, and does not know who is at the other end.
 */
export class Front {
  readonly #parts: FrontParts;
  readonly connections: Connections;
  readonly #unix: UnixListener | undefined;
  readonly #certificates: CertificateWatch | undefined;
  #listener: Listener | undefined;

  constructor(parts: FrontParts) {
    this.#parts = parts;
    const { config, limits, log } = parts;
    this.connections = new Connections(limits, (cause, connection) =>
      this.#closed(cause, connection),
    );
    if (config.socket !== undefined) {
      this.#unix = new UnixListener({
        ...parts,
        socket: config.socket,
        connections: this.connections,
      });
    }
    if (config.tls !== undefined) this.#certificates = new CertificateWatch(config.tls, log);
  }

  /**
   * @param serve takes connections, whose TLS is done
   * @throws FloxyError INVALID_INPUT when the address cannot be used, with what to do
   */
  async start(serve: (socket: Socket) => void): Promise<void> {
    const { config, tls, log } = this.#parts;
    const listener = tls === undefined ? this.#makePlain(serve) : this.#makeTls(serve, tls);
    await listen(listener, config);
    this.#listener = listener;
    listener.on('error', (err) => log.error({ err }, 'API cannot accept connections'));
    this.connections.start();
    await this.#unix?.start(serve);
  }

  /** The TCP port that is listened on; 0 while there is none. */
  get boundPort(): number {
    const address = this.#listener?.address() as AddressInfo | null | undefined;
    return address?.port ?? 0;
  }

  /** Takes no more connections; those that are open stay. */
  close(): void {
    this.#listener?.close();
    this.#unix?.close();
    this.#certificates?.stop();
    this.connections.stop();
  }

  #makePlain(serve: (socket: Socket) => void): Listener {
    return createServer({ noDelay: true }, (socket) => {
      if (this.#add(socket) !== undefined) serve(socket);
    });
  }

  #makeTls(serve: (socket: Socket) => void, tls: ServerTls): TlsListener {
    const options = {
      noDelay: true,
      ...tls,
      handshakeTimeout: this.#parts.limits.firstWordMs,
      ALPNProtocols: ['h2'],
    };
    const listener = createTlsServer(options, (socket) => {
      this.#identifyAgain(socket);
      serve(socket);
    });
    // Before the handshake.
    listener.prependListener('connection', (socket: Socket) => this.#add(socket));
    listener.on('tlsClientError', (error, socket) => {
      this.#reject('tls', 'a TLS handshake with the API failed', socket, messageOf(error));
      socket.destroy();
    });
    this.#certificates?.start((renewed) => listener.setSecureContext(renewed));
    return listener;
  }

  #add(socket: Socket): Connection | undefined {
    return this.connections.add(socket, this.#parts.access.identify(this.#peerOf(socket)));
  }

  /** By what its certificate says, too. */
  #identifyAgain(socket: Socket): void {
    const connection = this.connections.find(`${socket.remoteAddress}:${socket.remotePort}`);
    const names = certificateNames(socket);
    if (connection === undefined || names.length === 0) return;
    const { peer } = connection.identity;
    connection.identity = this.#parts.access.identify({ ...peer, certificateNames: names });
  }

  #peerOf(socket: Socket) {
    return peerOfTcp(socket, (reason) => {
      this.#parts.log.debug({ reason }, 'the user of a local connection is not known');
    });
  }

  #reject(cause: 'tls', message: string, socket: Socket, reason: string): void {
    const connection = this.connections.find(`${socket.remoteAddress}:${socket.remotePort}`);
    const { who, from } = connection?.identity ?? {};
    this.#parts.rejections.add(cause, message, { who, from, reason });
  }

  #closed(cause: 'connections' | 'silent', { identity: { who, from } }: Connection): void {
    const { rejections, limits } = this.#parts;
    const message =
      cause === 'silent'
        ? 'API closes a connection: nothing came over it'
        : 'API closes connections: too many are in use';
    rejections.add(cause, message, { who, from, limit: String(limits.connections) });
  }
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
