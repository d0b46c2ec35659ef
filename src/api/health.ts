/**
 * The standard health service (grpc.health.v1).
 *
 * | name | SERVING while |
 * |---|---|
 * | `` (empty) | the proxy's state is OK, and it is not draining: this node does its share. Load balancers watch it. A node that lost its rules (NotConfigured) takes packets but forwards none of them, so its peers should get them |
 * | `configured` | the same as the empty name, on a node that has had rules: a new one, or one with the wrong database, forwards nothing and must not draw traffic. BGP announcers watch it |
 * | `proxy` | packets are taken: OK or NotConfigured |
 * | full names of the API's services | the API runs, whatever the state of the proxy |
 *
 * Check and List answer from the present state; watchers learn of a change within 250 ms.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { service as healthDefinition } from 'grpc-health-check';
import type { Logger } from 'pino';
import { FloxyError } from '../base/errors.ts';
import type { Control } from '../control/control.ts';
import { HEALTH_NAMES, METRICS_SERVICE, SETTINGS_SERVICE } from '../protocol/definitions.ts';
import { type HealthFacts, judgeHealth } from '../telemetry/health.ts';
import type { CallContext } from './call-context.ts';
import type { Method } from './method.ts';
import { SMALL } from './services.ts';
import { WatcherPlaces } from './watcher-places.ts';

const POLL_INTERVAL_MS = 250;

const MAX_WATCHERS = 256;

type ServingStatus = 'SERVING' | 'NOT_SERVING' | 'SERVICE_UNKNOWN';

interface HealthCheckRequest {
  readonly service?: string;
}

interface HealthCheckResponse {
  readonly status: ServingStatus;
}

const GONE: HealthFacts = { state: 'Offline', isDraining: false, hasHadRules: false };

/** The health service of one API server. */
export class Health {
  readonly #control: Control;
  readonly #log: Logger;
  readonly #places = new WatcherPlaces(MAX_WATCHERS);
  #isStatusFailing = false;

  constructor({ control, log }: { readonly control: Control; readonly log: Logger }) {
    this.#control = control;
    this.#log = log;
  }

  methods(): Method[] {
    const { Check, List, Watch } = healthDefinition;
    if (!Check || !List || !Watch) throw new Error('grpc-health-check lacks a method');
    const check = ({ service = '' }: HealthCheckRequest) => ({ parts: [this.#check(service)] });
    const list = () => ({ parts: [this.#list()] });
    const watch = this.#places.limit((request: HealthCheckRequest, context) =>
      this.#watch(request, context),
    );
    // Load balancers and announcers have no credentials, and it tells nothing else.
    const common = { role: 'nobody', limits: SMALL } as const;
    return [
      { kind: 'unary', definition: Check, handler: check, ...common },
      { kind: 'unary', definition: List, handler: list, ...common },
      { kind: 'stream', definition: Watch, handler: watch, ...common },
    ];
  }

  #check(service: string): HealthCheckResponse {
    const status = this.#statuses(true).get(service);
    if (status !== undefined) return { status };
    throw new FloxyError('NOT_FOUND', `no service ${JSON.stringify(service)} is served here`);
  }

  #list(): { statuses: Record<string, HealthCheckResponse> } {
    const entries = [...this.#statuses(true)].map(([name, status]) => [name, { status }] as const);
    return { statuses: Object.fromEntries(entries) };
  }

  /** Ends when the service stops, and says that nothing is served any more before. */
  async *#watch(
    { service = '' }: HealthCheckRequest,
    { signal, stopping }: CallContext,
  ): AsyncGenerator<HealthCheckResponse> {
    const end = AbortSignal.any([signal, stopping]);
    let told: ServingStatus | undefined;
    while (!signal.aborted) {
      const status = this.#statuses(!stopping.aborted).get(service) ?? 'SERVICE_UNKNOWN';
      if (status !== told) yield { status };
      told = status;
      if (stopping.aborted) return;
      await delay(POLL_INTERVAL_MS, undefined, { signal: end, ref: false }).catch(() => undefined);
    }
  }

  #statuses(isRunning: boolean): ReadonlyMap<string, ServingStatus> {
    const { node, configured, proxy } = judgeHealth(isRunning ? this.#present() : GONE);
    const serving = (isServing: boolean) => (isServing ? 'SERVING' : 'NOT_SERVING');
    return new Map<string, ServingStatus>([
      [HEALTH_NAMES.node, serving(node)],
      [HEALTH_NAMES.configured, serving(configured)],
      [HEALTH_NAMES.proxy, serving(proxy)],
      [SETTINGS_SERVICE, serving(isRunning)],
      [METRICS_SERVICE, serving(isRunning)],
    ]);
  }

  #present(): HealthFacts {
    try {
      const { proxy, isDraining } = this.#control.status();
      this.#isStatusFailing = false;
      const hasHadRules = this.#control.rules().revision > 0;
      return { state: proxy.state, isDraining, hasHadRules };
    } catch (thrown) {
      if (!this.#isStatusFailing) this.#log.error({ err: thrown }, 'state of the proxy is unknown');
      this.#isStatusFailing = true;
      return GONE;
    }
  }
}
