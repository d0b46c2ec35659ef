import type { Logger } from 'pino';
import type { MetricsConfig } from '../config/config.ts';
import type { PipelineStatsSource } from '../flow/pipeline/stats.ts';
import type { HttpListener } from '../web/http-listener.ts';
import { MetricsReader } from '../web/metrics-reader.ts';
import { makeMetricsServer } from '../web/metrics-server.ts';
import { MetricsPush } from '../web/push/push.ts';
import { ProcessReader } from '../web/service/process-metrics.ts';
import type { ServiceSource } from '../web/service/source.ts';
import { VflowCounters } from '../web/vflow/figures.ts';
import { KeptListener } from './kept-listener.ts';

export interface MonitoringParts {
  readonly config: MetricsConfig;
  readonly service: ServiceSource;
  readonly pipelines: PipelineStatsSource;
  readonly log: Logger;
}

/** What tells monitoring how the service does: pages over HTTP, and what is pushed. */
export class Monitoring {
  readonly #server: HttpListener | undefined;
  readonly #kept: KeptListener | undefined;
  readonly #push: MetricsPush;

  constructor({ config, service, pipelines, log: parent }: MonitoringParts) {
    const log = parent.child({ component: 'monitoring' });
    const vflow = new VflowCounters(pipelines);
    const parts = {
      service,
      pipelines,
      processes: new ProcessReader(),
      http: () => this.#server?.figures(),
      push: () => this.#push.figures(),
    };
    const pushed = new MetricsReader({ ...parts, maxRules: config.pushMaxRules });
    this.#push = new MetricsPush({ config, vflow, families: () => pushed.all(), log });
    const { address } = config;
    if (address !== 'off') {
      const metrics = new MetricsReader({ ...parts, maxRules: config.maxRules });
      this.#server = makeMetricsServer({ address, service, metrics, vflow, log });
      this.#kept = new KeptListener(this.#server, log);
    }
  }

  async start(): Promise<void> {
    this.#push.start();
    await this.#kept?.start();
  }

  async stop(): Promise<void> {
    await Promise.all([this.#push.stop(), this.#kept?.stop()]);
  }
}
