import { type AddressInfo, createServer, type Server as Listener, type Socket } from 'node:net';
import { logVerbosity, Server, type ServerOptions, setLogVerbosity } from '@grpc/grpc-js';
import type { Logger } from 'pino';
import { FloxyError, messageOf } from '../base/errors.ts';
import type { Config } from '../config/config.ts';
import type { Control } from '../control/control.ts';
import { formatEndpoint, makeEndpoint } from '../model/endpoint.ts';
import { MAX_REQUEST_BYTES } from '../model/limits.ts';
import type { BuildInfo } from '../model/status.ts';
import { loadServices } from '../protocol/definitions.ts';
import { readCredentials } from './credentials.ts';
import { Health } from './health.ts';
import { addReflection } from './reflection.ts';
import { metricsHandlers, settingsHandlers } from './services.ts';
import { ServerStreams } from './streaming.ts';
import { implementService } from './unary.ts';
import { watchRules } from './watch-rules.ts';

/** How long calls may take to end after stop(). */
const STOP_LIMIT_MS = 1000;

/** Connections beyond this many are closed at once: each takes a file descriptor and some 50 KB. */
const MAX_CONNECTIONS = 2000;

/** Nodes that follow this one: a handful. A broken connection may count for a while. */
const MAX_RULE_WATCHERS = 64;

const DROP_LOG_INTERVAL_MS = 10_000;

const SERVER_OPTIONS: ServerOptions = {
  'grpc.max_receive_message_length': MAX_REQUEST_BYTES,
  'grpc.max_send_message_length': -1,
  'grpc.max_concurrent_streams': 32,
  // Finds connections whose other end has gone, or never spoke HTTP/2 at all.
  'grpc.keepalive_time_ms': 60_000,
  'grpc.keepalive_timeout_ms': 20_000,
  'grpc.max_connection_idle_ms': 15 * 60_000,
  // Nobody reads its records, and they take memory for each connection.
  'grpc.enable_channelz': 0,
};

export interface ApiServerParts {
  readonly control: Control;
  readonly buildInfo: BuildInfo;
  readonly config: Config['api'];
  readonly log: Logger;
}

/** The gRPC API: Settings, Metrics, health and reflection on one address. */
export class ApiServer {
  readonly #parts: ApiServerParts;
  readonly #health: Health;
  readonly #streams: ServerStreams;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #listener: Listener | undefined;

  constructor(parts: ApiServerParts) {
    this.#parts = parts;
    this.#health = new Health(parts);
    this.#streams = new ServerStreams({ limit: MAX_RULE_WATCHERS, log: parts.log });
  }

  /**
   * Resolves when calls are answered.
   * @throws FloxyError INVALID_INPUT when the address or a TLS file cannot be used, with what to do
   * @throws Error when the compiled protocol is missing
   */
  async start(): Promise<void> {
    const { control, config, log } = this.#parts;
    // grpc-js writes to standard error what clients send, unasked and uncut.
    setLogVerbosity(logVerbosity.NONE);
    const credentials = readCredentials(config.tls);
    const server = new Server(SERVER_OPTIONS);
    const { settings, metrics } = loadServices();
    const watch = watchRules(control);
    const settingsService = implementService(settings, settingsHandlers(this.#parts), log, {
      WatchProxyRules: (method) => this.#streams.method(method, watch),
    });
    const metricsService = implementService(metrics, metricsHandlers({ control }), log);
    server.addService(settingsService.definition, settingsService.implementation);
    server.addService(metricsService.definition, metricsService.implementation);
    this.#health.addTo(server);
    addReflection(server);

    // The listening socket is ours and not grpc-js', which hides why an address cannot be used and has
    // no limit of connections.
    const injector = server.createConnectionInjector(credentials);
    const listener = createServer({ noDelay: true }, (socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
      // A connection that breaks ends its calls; there is nothing else to do about it.
      socket.on('error', () => socket.destroy());
      injector.injectConnection(socket);
    });
    listener.maxConnections = MAX_CONNECTIONS;
    this.#server = server;
    this.#listener = listener;
    await listen(listener, config);
    listener.on('error', (err) => log.error({ err }, 'API cannot accept connections'));
    listener.on(
      'drop',
      sampled(DROP_LOG_INTERVAL_MS, () => {
        log.warn({ limit: MAX_CONNECTIONS }, 'API closes connections: too many are open');
      }),
    );
    this.#health.start();
    const address = formatEndpoint(makeEndpoint(config.octets, this.boundPort));
    log.info({ address, tls: config.tls !== undefined }, 'API is served');
  }

  /** The TCP port that is listened on; of use when the configured one is 0. 0 while not started. */
  get boundPort(): number {
    const address = this.#listener?.address() as AddressInfo | null | undefined;
    return address?.port ?? 0;
  }

  /** Lets running calls end for about a second, then cuts every connection. */
  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    this.#health.stop();
    this.#streams.stop();
    this.#listener?.close();
    // Connections close as their last call ends. What tryShutdown() tells its callback is no sign of that:
    // on Node 24 it comes at once.
    server.tryShutdown(() => undefined);
    const limit = setTimeout(() => {
      server.forceShutdown();
      for (const socket of this.#sockets) socket.destroy();
    }, STOP_LIMIT_MS);
    await Promise.all([...this.#sockets].map(closing));
    clearTimeout(limit);
  }
}

function closing(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()));
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

async function listen(listener: Listener, { octets, port }: Config['api']): Promise<void> {
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
