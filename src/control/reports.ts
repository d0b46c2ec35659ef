/** What is told of the rules in force besides the rules: collected in turns, so that other things go on. */
import type { CollectorStatus, Way } from '../model/collector-status.ts';
import type { ExporterReport } from '../model/exporter-status.ts';
import type { Collector, Exporter, Rule } from '../model/rules.ts';
import type { ProxyStatistics } from '../model/statistics.ts';
import { collectCollectors } from './collectors.ts';
import { collectExporters } from './exporters.ts';
import type { DataPlane, FindWay, HealthSource } from './ports.ts';
import {
  collectInTurns,
  collectStatistics,
  type HealthOf,
  presentStatistics,
  type RulesInForce,
} from './statistics.ts';

const UNKNOWN_WAY: Way = { route: 'unknown', neighbour: 'unknown' };

export interface ReportsOptions {
  readonly inForce: () => RulesInForce;
  readonly dataPlane: DataPlane;
  readonly findWay: FindWay | undefined;
  readonly health: HealthSource | undefined;
}

export class Reports {
  readonly #inForce: () => RulesInForce;
  readonly #dataPlane: DataPlane;
  readonly #findWay: FindWay;
  readonly #health: HealthSource | undefined;
  readonly #healthOf: HealthOf = (collector) => this.#health?.find(collector)?.state;

  constructor({ inForce, dataPlane, health, findWay = () => UNKNOWN_WAY }: ReportsOptions) {
    this.#inForce = inForce;
    this.#dataPlane = dataPlane;
    this.#findWay = findWay;
    this.#health = health;
  }

  statistics(exporters: readonly Exporter[]): Promise<ProxyStatistics> {
    return collectInTurns(this.#inForce, (source) =>
      collectStatistics(source, exporters, this.#healthOf),
    );
  }

  statisticsOf(rules: readonly Rule[]): ProxyStatistics {
    return presentStatistics(this.#inForce(), rules, this.#healthOf);
  }

  collectors(): Promise<readonly CollectorStatus[]> {
    return collectInTurns(this.#inForce, (source) => {
      const losses = this.#dataPlane.sendLosses();
      const { listenPorts } = this.#dataPlane;
      const health = (collector: Collector) => this.#health?.find(collector);
      return collectCollectors({ ...source, listenPorts, losses, way: this.#findWay, health });
    });
  }

  async exporters(silentAfterMs: number): Promise<ExporterReport> {
    const sightings = await this.#dataPlane.sightings();
    return await collectInTurns(this.#inForce, (source) =>
      collectExporters({ ...source, sightings, silentAfterMs, now: Date.now() }),
    );
  }
}
