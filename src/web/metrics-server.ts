import type { Logger } from 'pino';
import type { SocketAddress } from '../config/socket-address.ts';
import { HttpListener } from './http-listener.ts';
import { familiesOf } from './metric.ts';
import type { MetricsReader } from './metrics-reader.ts';
import { kept, type Page, type PageRequest } from './page.ts';
import { EXPOSITION_TYPES, formatMetrics, negotiate } from './prometheus.ts';
import { readRuleQuery } from './service/rule-reader.ts';
import type { ServiceSource } from './service/source.ts';
import type { VflowCounters } from './vflow/figures.ts';
import { flowPage, sysPage } from './vflow/pages.ts';
import { VFLOW_METRICS } from './vflow/series.ts';

export interface MetricsServerOptions {
  readonly address: SocketAddress;
  readonly service: Pick<ServiceSource, 'notReady' | 'startedAt'>;
  readonly metrics: Pick<MetricsReader, 'all' | 'rules'>;
  /** Shared with what is pushed. */
  readonly vflow: VflowCounters;
  readonly log: Logger;
}

const PLAIN = 'text/plain; charset=utf-8';
const UNAVAILABLE = 503;

/** `/metrics` for Prometheus, `/healthz` and `/readyz`; `/flow` and `/sys` as vFlow serves them. */
export function makeMetricsServer(options: MetricsServerOptions): HttpListener {
  const { address, service, vflow, log } = options;
  const { startedAt } = service;
  return new HttpListener({
    address,
    setting: 'COLLECTOR_METRICS_ADDRESS',
    pages: {
      '/metrics': (request) => metricsPage(options, request),
      '/healthz': () => ({ contentType: PLAIN, body: 'ok\n' }),
      '/readyz': () => readyPage(service.notReady()),
      '/flow': kept(() => flowPage(vflow, startedAt)),
      '/sys': kept(() => sysPage(startedAt)),
    },
    log,
  });
}

async function metricsPage(
  { metrics, vflow }: MetricsServerOptions,
  { query, accept }: PageRequest,
): Promise<Page> {
  const exposition = negotiate(accept);
  const asked = readRuleQuery(query);
  const families =
    asked === undefined
      ? [...(await metrics.all()), ...familiesOf(VFLOW_METRICS, vflow.read())]
      : await metrics.rules(asked);
  return {
    contentType: EXPOSITION_TYPES[exposition],
    body: formatMetrics(families, exposition),
  };
}

/** @param reason why the node does not do its share */
function readyPage(reason: string | undefined): Page {
  if (reason === undefined) return { contentType: PLAIN, body: 'ready\n' };
  return { status: UNAVAILABLE, contentType: PLAIN, body: `not ready: ${reason}\n` };
}
