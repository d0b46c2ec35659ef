/**
 * The standard health service (grpc.health.v1). Its definition comes from grpc-health-check; the
 * implementation is ours, because that package's keeps every service name that a client ever watched,
 * and leaves watching streams open when the server stops.
 *
 * | name | SERVING while |
 * |---|---|
 * | `` (empty) | the proxy's state is OK, and it is not draining: this node does its share. BGP announcers and load balancers watch it. A node that lost its rules (NotConfigured) takes packets but forwards none of them, so its peers should get them |
 * | `proxy` | packets are taken: OK or NotConfigured |
 * | full names of the API's services | the API runs, whatever the state of the proxy |
 *
 * Check and List answer from the present state; watchers learn of a change within 250 ms.
 */
import {
  type Server,
  type ServerWritableStream,
  type ServiceDefinition,
  status as Status,
} from '@grpc/grpc-js';
import { service as healthDefinition } from 'grpc-health-check';
import type { Logger } from 'pino';
import { FloxyError } from '../base/errors.ts';
import type { Control } from '../control/control.ts';
import type { State } from '../model/status.ts';
import { METRICS_SERVICE, SETTINGS_SERVICE, withRawMessages } from '../protocol/definitions.ts';
import { limitRequests } from './request-limit.ts';
import { type Handler, unary } from './unary.ts';

const POLL_INTERVAL_MS = 250;

type ServingStatus = 'SERVING' | 'NOT_SERVING' | 'SERVICE_UNKNOWN';

interface HealthCheckRequest {
  readonly service: string;
}

interface HealthCheckResponse {
  readonly status: ServingStatus;
}

/** What the answers depend on. */
interface Present {
  readonly state: State;
  readonly isDraining: boolean;
}

const GONE: Present = { state: 'Offline', isDraining: false };

type WatchCall = ServerWritableStream<HealthCheckRequest, HealthCheckResponse>;

/** The health service of one API server. */
export class Health {
  readonly #control: Control;
  readonly #log: Logger;
  /** What each watching client was told last. */
  readonly #watchers = new Map<WatchCall, ServingStatus | undefined>();
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;
  #isStatusFailing = false;

  constructor({ control, log }: { readonly control: Control; readonly log: Logger }) {
    this.#control = control;
    this.#log = log;
  }

  addTo(server: Server): void {
    const { Check, List, Watch } = healthDefinition;
    if (!Check || !List || !Watch) throw new Error('grpc-health-check lacks a method');
    const check: Handler<HealthCheckRequest> = ({ service }) => ({ parts: [this.#check(service)] });
    const list: Handler<object> = () => ({ parts: [this.#list()] });
    const definition: ServiceDefinition = {
      Check: withRawMessages(Check),
      List: withRawMessages(List),
      Watch: limitRequests(Watch),
    };
    server.addService(definition, {
      Check: unary(Check, check, this.#log),
      List: unary(List, list, this.#log),
      Watch: (call: WatchCall) => this.#watch(call),
    });
  }

  start(): void {
    this.#timer = setInterval(() => this.#tellWatchers(), POLL_INTERVAL_MS);
    this.#timer.unref();
  }

  /** Everything is NOT_SERVING from now on; watchers are told, then their calls end. */
  stop(): void {
    clearInterval(this.#timer);
    this.#isStopped = true;
    this.#tellWatchers();
    for (const call of this.#watchers.keys()) {
      call.emit('error', { code: Status.UNAVAILABLE, details: 'the service is stopping' });
    }
    this.#watchers.clear();
  }

  #check(service: string): HealthCheckResponse {
    const status = this.#statuses().get(service);
    if (status !== undefined) return { status };
    throw new FloxyError('NOT_FOUND', `no service ${JSON.stringify(service)} is served here`);
  }

  #list(): { statuses: Record<string, HealthCheckResponse> } {
    const entries = [...this.#statuses()].map(([name, status]) => [name, { status }] as const);
    return { statuses: Object.fromEntries(entries) };
  }

  #watch(call: WatchCall): void {
    const forget = () => this.#watchers.delete(call);
    call.on('cancelled', forget);
    call.on('close', forget);
    this.#watchers.set(call, undefined);
    this.#tell(call, this.#statuses());
  }

  #tellWatchers(): void {
    if (this.#watchers.size === 0) return;
    const statuses = this.#statuses();
    for (const call of this.#watchers.keys()) this.#tell(call, statuses);
  }

  #tell(call: WatchCall, statuses: ReadonlyMap<string, ServingStatus>): void {
    const status = statuses.get(call.request.service) ?? 'SERVICE_UNKNOWN';
    // A client that does not read learns the status of the moment when it reads again.
    if (call.writableNeedDrain || this.#watchers.get(call) === status) return;
    this.#watchers.set(call, status);
    call.write({ status });
  }

  #statuses(): ReadonlyMap<string, ServingStatus> {
    const { state, isDraining } = this.#isStopped ? GONE : this.#present();
    const serving = (isServing: boolean) => (isServing ? 'SERVING' : 'NOT_SERVING');
    return new Map([
      ['', serving(state === 'OK' && !isDraining)],
      ['proxy', serving(state === 'OK' || state === 'NotConfigured')],
      [SETTINGS_SERVICE, serving(!this.#isStopped)],
      [METRICS_SERVICE, serving(!this.#isStopped)],
    ]);
  }

  #present(): Present {
    try {
      const { proxy, isDraining } = this.#control.status();
      this.#isStatusFailing = false;
      return { state: proxy.state, isDraining };
    } catch (thrown) {
      if (!this.#isStatusFailing) this.#log.error({ err: thrown }, 'state of the proxy is unknown');
      this.#isStatusFailing = true;
      return GONE;
    }
  }
}
