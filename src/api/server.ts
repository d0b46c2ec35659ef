import {
  logVerbosity,
  Server,
  ServerCredentials,
  type ServerOptions,
  setLogVerbosity,
} from '@grpc/grpc-js';
import { Access } from '../access/access.ts';
import type { ApiConfig } from '../config/config.ts';
import { formatEndpoint, makeEndpoint } from '../model/endpoint.ts';
import { MAX_REQUEST_BYTES } from '../model/limits.ts';
import type { ApiStatus } from '../telemetry/status.ts';
import { tellOfAccess } from './access-notice.ts';
import { readCredentials } from './credentials.ts';
import { boundCalls, CALL_LIMITS, type CallLimits } from './front/call-bounds.ts';
import { type CallCount, CallCounts } from './front/call-counts.ts';
import { CONNECTION_LIMITS, type ConnectionLimits } from './front/connections.ts';
import { Front } from './front/listener.ts';
import { Gate } from './gate.ts';
import { addMethods } from './grpc.ts';
import { makeMethods, type ServiceParts } from './methods.ts';
import { Rejections } from './rejections.ts';
import { Workload, type WorkloadLimits } from './workload.ts';

/** How long calls may take to end after stop(). */
const STOP_LIMIT_MS = 1000;

/** Left to grpc-js. */
interface SessionLimits {
  /** Calls of one connection at the same time. */
  readonly concurrentCalls: number;
  /** The other end is asked for a sign of life so often … */
  readonly pingIntervalMs: number;
  /** … and gone without one for so long. */
  readonly pingLimitMs: number;
  /** A connection without calls is closed after so long. */
  readonly idleMs: number;
}

const SESSION_LIMITS: SessionLimits = {
  concurrentCalls: 32,
  pingIntervalMs: 60_000,
  pingLimitMs: 20_000,
  idleMs: 15 * 60_000,
};

export type ApiLimits = ConnectionLimits & CallLimits & WorkloadLimits & SessionLimits;

export interface ApiServerParts extends ServiceParts {
  readonly config: ApiConfig;
  /** Replaced in tests. */
  readonly limits?: Partial<ApiLimits>;
}

/** What the API has done since it was started. */
export interface ApiFigures {
  readonly calls: readonly CallCount[];
  /** Open now. */
  readonly connections: number;
  readonly accepted: number;
}

/** The gRPC API: Settings, Metrics, Pipelines, View, Capture, health and reflection on one address. */
export class ApiServer {
  readonly #parts: ApiServerParts;
  readonly #limits: ConnectionLimits & CallLimits & SessionLimits;
  readonly #workload: Workload;
  readonly #access: Access;
  readonly #rejections: Rejections;
  readonly #stopping = new AbortController();
  #server: Server | undefined;
  #front: Front | undefined;
  #calls: CallCounts | undefined;

  constructor(parts: ApiServerParts) {
    this.#parts = parts;
    this.#limits = { ...CONNECTION_LIMITS, ...CALL_LIMITS, ...SESSION_LIMITS, ...parts.limits };
    this.#workload = new Workload(parts.limits);
    this.#access = new Access(parts.config.access, parts.log);
    this.#rejections = new Rejections(parts.log);
  }

  /**
   * Resolves when calls are answered.
   * @throws FloxyError INVALID_INPUT when the address or a TLS file cannot be used, with what to do
   * @throws Error when the compiled protocol is missing
   */
  async start(): Promise<void> {
    const { config, log } = this.#parts;
    // grpc-js writes to standard error what clients send, unasked and uncut.
    setLogVerbosity(logVerbosity.NONE);
    const tls = readCredentials(config.tls);
    const front = new Front({
      config,
      tls,
      access: this.#access,
      rejections: this.#rejections,
      limits: this.#limits,
      log,
    });
    const server = this.#makeServer(front);
    const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
    await front.start((socket) => injector.injectConnection(socket));
    this.#server = server;
    this.#front = front;
    const address = formatEndpoint(makeEndpoint(config.octets, this.boundPort));
    tellOfAccess({ config, address, tokens: this.#access.start() }, log);
  }

  /** Whether callers have roles, and what was turned away since the start. */
  status(): ApiStatus {
    return { hasRoles: this.#access.hasRoles, rejections: this.#rejections.counts };
  }

  /** How many connections are open. */
  get connections(): number {
    return this.#front?.connections.size ?? 0;
  }

  /** The TCP port that is listened on; of use when the configured one is 0. 0 while not started. */
  get boundPort(): number {
    return this.#front?.boundPort ?? 0;
  }

  /** What it has done since it was started, for monitoring. */
  figures(): ApiFigures {
    const nothing = { connections: 0, accepted: 0 };
    const connections = this.#front?.connections.figures() ?? nothing;
    return { calls: this.#calls?.list() ?? [], ...connections };
  }

  /** Lets running calls end for about a second, then cuts every connection. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    const server = this.#server;
    const front = this.#front;
    if (server === undefined || front === undefined) return;
    this.#server = undefined;
    front.close();
    // Connections close as their last call ends. What tryShutdown() tells its callback is no sign of that:
    // on Node 24 it comes at once.
    server.tryShutdown(() => undefined);
    const limit = setTimeout(() => {
      server.forceShutdown();
      front.connections.cutAll();
    }, STOP_LIMIT_MS);
    await front.connections.closed();
    clearTimeout(limit);
  }

  #makeServer(front: Front): Server {
    const { log } = this.#parts;
    const methods = makeMethods(this.#parts, () => this.status());
    const byPath = new Map(methods.map((method) => [method.definition.path, method]));
    const cut = (peer: string, why: string) => {
      const connection = front.connections.find(peer);
      const { who, from } = connection?.identity ?? {};
      this.#rejections.add('slow', 'connection cut', { who, from, why });
      connection?.cut();
    };
    const roleOf = (path: string) => byPath.get(path)?.role;
    const gate = new Gate(this.#access, this.#rejections, roleOf);
    const counts = new CallCounts(byPath.keys());
    this.#calls = counts;
    const bounds = boundCalls({
      boundsOf: (path) => {
        const method = byPath.get(path);
        const isLong = method?.kind === 'unary' && method.isLong === true;
        return { maxBytes: method?.limits.maxBytes ?? 0, isLong };
      },
      letIn: (arrival) => gate.letIn(arrival),
      connections: front.connections,
      workload: this.#workload,
      counts,
      limits: this.#limits,
      cut,
    });
    const server = new Server({ ...serverOptions(this.#limits), interceptors: [bounds] });
    const { unreadMs } = this.#limits;
    const { signal: stopping } = this.#stopping;
    addMethods(server, methods, { gate, workload: this.#workload, stopping, unreadMs, cut, log });
    return server;
  }
}

function serverOptions(limits: SessionLimits): ServerOptions {
  return {
    // Each method has its own limit, which is not above this one: see front/call-bounds.ts.
    'grpc.max_receive_message_length': MAX_REQUEST_BYTES,
    'grpc.max_send_message_length': -1,
    'grpc.max_concurrent_streams': limits.concurrentCalls,
    'grpc.keepalive_time_ms': limits.pingIntervalMs,
    'grpc.keepalive_timeout_ms': limits.pingLimitMs,
    'grpc.max_connection_idle_ms': limits.idleMs,
    // Nobody reads its records, and they take memory for each connection.
    'grpc.enable_channelz': 0,
  };
}
