import type { Logger } from 'pino';
import { messageOf } from '../base/errors.ts';
import type { MetricsConfig } from '../config/config.ts';
import type { PipelineStatsSource } from '../flow/pipeline/stats.ts';
import type { BuildInfo } from '../model/status.ts';
import type { HttpListener } from '../web/http-listener.ts';
import { makeMetricsServer } from '../web/metrics-server.ts';
import { MetricsPush } from '../web/push/push.ts';
import { VflowCounters } from '../web/vflow/figures.ts';

export interface MonitoringParts {
  readonly config: MetricsConfig;
  readonly pipelines: PipelineStatsSource;
  readonly buildInfo: BuildInfo;
  readonly log: Logger;
}

/** What tells monitoring how the service does: pages over HTTP, and what is pushed; each only when it is set. */
export class Monitoring {
  readonly #parts: MonitoringParts;
  readonly #server: HttpListener | undefined;
  readonly #push: MetricsPush;

  constructor(parts: MonitoringParts) {
    this.#parts = parts;
    const { config, pipelines, buildInfo } = parts;
    const log = parts.log.child({ component: 'monitoring' });
    const vflow = new VflowCounters(pipelines);
    const startedAt = new Date();
    this.#push = new MetricsPush(config, vflow, log);
    const { address } = config;
    if (address !== undefined) {
      this.#server = makeMetricsServer({ address, pipelines, vflow, buildInfo, startedAt, log });
    }
  }

  /** An address that cannot be listened on is told in the log: it must not keep packets from being forwarded. */
  async start(): Promise<void> {
    this.#push.start();
    try {
      await this.#server?.start();
    } catch (error) {
      this.#parts.log.error({ error: messageOf(error) }, 'monitoring is not served');
    }
  }

  async stop(): Promise<void> {
    await Promise.all([this.#push.stop(), this.#server?.stop()]);
  }
}
