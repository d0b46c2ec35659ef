import type { Logger } from 'pino';
import { SpareMemory } from '../base/spare-memory.ts';
import type { Control } from '../control/control.ts';
import type { ControlPlane } from '../control/control-plane.ts';
import { TrafficHistory } from '../telemetry/traffic-history.ts';
import { HostWatch } from './host-watch.ts';
import { StateLog } from './state-log.ts';
import type { WayWatch } from './way-watch.ts';

const SPARE_MEMORY_INTERVAL_MS = 5000;

/** What looks again and again at the service and its host while it runs: states, traffic, addresses, memory. */
export class Watches {
  readonly history: TrafficHistory;
  readonly #states: StateLog;
  readonly #host: HostWatch;
  readonly #ways: WayWatch;
  readonly #control: ControlPlane;
  readonly #spareMemory = new SpareMemory();
  #memoryTimer: NodeJS.Timeout | undefined;

  /** @param served what the API serves */
  constructor(control: ControlPlane, served: Control, ways: WayWatch, log: Logger) {
    this.#control = control;
    this.#ways = ways;
    this.history = new TrafficHistory(() => served.status().forwarders);
    this.#states = new StateLog(() => served.status(), log);
    this.#host = new HostWatch(() => {
      log.debug('the addresses of this host have changed');
      void control.checkHost();
    });
  }

  start(): void {
    this.#memoryTimer = setInterval(() => this.#spareMemory.look(), SPARE_MEMORY_INTERVAL_MS);
    this.#states.start();
    this.history.start();
    this.#host.start();
    this.#ways.start(() => this.#control.rules().ruleSet);
  }

  stop(): void {
    clearInterval(this.#memoryTimer);
    this.#ways.stop();
    this.#host.stop();
    this.history.stop();
    this.#states.stop();
  }
}
