import type { Logger } from 'pino';
import type { SocketAddress } from '../config/socket-address.ts';
import type { PipelineStatsSource } from '../flow/pipeline/stats.ts';
import type { BuildInfo } from '../model/status.ts';
import { HttpListener, type Page } from './http-listener.ts';
import { pipelineMetrics } from './pipeline-metrics.ts';
import { processMetrics } from './process-metrics.ts';
import { formatMetrics, PROMETHEUS_TYPE } from './prometheus.ts';
import type { VflowCounters } from './vflow/figures.ts';
import { flowPage, sysPage } from './vflow/pages.ts';
import { vflowSeries } from './vflow/series.ts';

export interface MetricsServerOptions {
  readonly address: SocketAddress;
  readonly pipelines: PipelineStatsSource;
  /** Shared with what is pushed. */
  readonly vflow: VflowCounters;
  readonly buildInfo: BuildInfo;
  readonly startedAt: Date;
  readonly log: Logger;
}

/** `/metrics` for Prometheus, with vFlow's series; `/flow` and `/sys` as vFlow serves them. */
export function makeMetricsServer(options: MetricsServerOptions): HttpListener {
  const { address, vflow, startedAt, log } = options;
  return new HttpListener({
    address,
    pages: {
      '/metrics': () => metricsPage(options),
      '/flow': () => flowPage(vflow, startedAt),
      '/sys': () => sysPage(startedAt),
    },
    log,
  });
}

function metricsPage({ pipelines, vflow, buildInfo, startedAt }: MetricsServerOptions): Page {
  const families = [
    ...processMetrics(buildInfo, startedAt),
    ...pipelineMetrics(pipelines.pipelines()),
    ...vflowSeries(vflow),
  ];
  return { contentType: PROMETHEUS_TYPE, body: formatMetrics(families) };
}
