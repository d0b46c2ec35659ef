import type { Logger } from 'pino';
import { messageOf } from '../base/errors.ts';
import type { MetricsConfig } from '../config/config.ts';
import type { PipelineStatsSource } from '../flow/pipeline/stats.ts';
import type { HttpListener } from '../web/http-listener.ts';
import { MetricsReader } from '../web/metrics-reader.ts';
import { makeMetricsServer } from '../web/metrics-server.ts';
import { MetricsPush } from '../web/push/push.ts';
import { ProcessReader } from '../web/service/process-metrics.ts';
import type { ServiceSource } from '../web/service/source.ts';
import { VflowCounters } from '../web/vflow/figures.ts';

/** An address that cannot be listened on is tried again so often. */
const RETRY_MS = 5000;

export interface MonitoringParts {
  readonly config: MetricsConfig;
  readonly service: ServiceSource;
  readonly pipelines: PipelineStatsSource;
  readonly log: Logger;
}

/** What tells monitoring how the service does: pages over HTTP, and what is pushed. */
export class Monitoring {
  readonly #log: Logger;
  readonly #server: HttpListener | undefined;
  readonly #push: MetricsPush;
  #retryTimer: NodeJS.Timeout | undefined;
  #isStopping = false;
  /** What was told last of why pages cannot be served. */
  #problem: string | undefined;

  constructor({ config, service, pipelines, log: parent }: MonitoringParts) {
    const log = parent.child({ component: 'monitoring' });
    this.#log = log;
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
    }
  }

  /** An address that cannot be listened on is told and tried again: it must not keep packets from being forwarded. */
  async start(): Promise<void> {
    this.#push.start();
    await this.#serve();
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    clearTimeout(this.#retryTimer);
    await Promise.all([this.#push.stop(), this.#server?.stop()]);
  }

  async #serve(): Promise<void> {
    try {
      await this.#server?.start();
    } catch (error) {
      const problem = messageOf(error);
      if (problem !== this.#problem) {
        this.#log.warn({ error: problem, retryMs: RETRY_MS }, 'monitoring is not served');
      }
      this.#problem = problem;
      if (!this.#isStopping) this.#retryTimer = setTimeout(() => void this.#serve(), RETRY_MS);
    }
  }
}
