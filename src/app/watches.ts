import type { Logger } from 'pino';
import { SpareMemory } from '../base/spare-memory.ts';
import type { Control } from '../control/control.ts';
import type { ControlPlane } from '../control/control-plane.ts';
import type { CollectorHealth } from '../health/collector-health.ts';
import type { EventSink } from '../model/events.ts';
import { TrafficHistory } from '../telemetry/traffic-history.ts';
import { ExporterWatch } from './exporter-watch.ts';
import { HostWatch } from './host-watch.ts';
import { RulesEvents } from './rules-events.ts';
import { StateLog } from './state-log.ts';
import type { WayWatch } from './way-watch.ts';

const SPARE_MEMORY_INTERVAL_MS = 5000;

export interface WatchesParts {
  readonly control: ControlPlane;
  /** What the API serves. */
  readonly served: Control;
  readonly ways: WayWatch;
  readonly health: CollectorHealth;
  readonly events: EventSink;
  readonly log: Logger;
}

/**
 * What looks again and again at the service, its host and collectors while it runs: states, traffic, addresses, memory,
 * who is down.
 */
export class Watches {
  readonly history: TrafficHistory;
  readonly exporters: ExporterWatch;
  readonly #states: StateLog;
  readonly #host: HostWatch;
  readonly #ways: WayWatch;
  readonly #health: CollectorHealth;
  readonly #control: ControlPlane;
  readonly #rules: RulesEvents;
  readonly #spareMemory = new SpareMemory();
  #endListening: () => void = () => undefined;
  #memoryTimer: NodeJS.Timeout | undefined;

  constructor({ control, served, ways, health, events, log }: WatchesParts) {
    this.#control = control;
    this.#rules = new RulesEvents(control, events);
    this.#ways = ways;
    this.#health = health;
    this.history = new TrafficHistory(() => served.status().forwarders);
    this.exporters = new ExporterWatch({
      report: () => control.exporters(Number.POSITIVE_INFINITY),
      rules: () => control.rules().ruleSet,
      events,
      log,
    });
    this.#states = new StateLog(() => served.status(), log, events);
    this.#host = new HostWatch(() => {
      log.debug('the addresses of this host have changed');
      void control.checkHost();
    });
  }

  start(): void {
    this.#memoryTimer = setInterval(() => this.#spareMemory.look(), SPARE_MEMORY_INTERVAL_MS);
    this.#states.start();
    this.#rules.start();
    this.exporters.start();
    this.history.start();
    this.#host.start();
    const ruleSet = () => this.#control.rules().ruleSet;
    this.#ways.start(ruleSet);
    this.#endListening = this.#control.onChange(() => {
      this.exporters.rulesChanged();
      void this.#health.watch(ruleSet());
    });
    void this.#health.watch(ruleSet());
  }

  stop(): void {
    clearInterval(this.#memoryTimer);
    this.#health.stop();
    this.#ways.stop();
    this.#host.stop();
    this.history.stop();
    this.#endListening();
    this.exporters.stop();
    this.#rules.stop();
    this.#states.stop();
  }
}
