import { ANNOUNCER_METRICS } from './announcer-metrics.ts';
import type { MetricDefinition } from './metric.ts';
import { PIPELINE_METRICS } from './pipeline-metrics.ts';
import { API_METRICS } from './service/api-metrics.ts';
import {
  COLLECTOR_METRICS,
  EXPORTER_METRICS,
  MISSED_METRICS,
  SILENT_METRICS,
} from './service/collector-metrics.ts';
import { FORWARDER_METRICS } from './service/forwarder-metrics.ts';
import { KERNEL_METRICS } from './service/kernel-metrics.ts';
import { HTTP_METRICS, PUSH_METRICS } from './service/monitoring-metrics.ts';
import { PROCESS_METRICS, SERVICE_METRICS } from './service/process-metrics.ts';
import { RULE_METRICS } from './service/rule-metrics.ts';
import { FOLLOWER_METRICS, STATE_METRICS } from './service/state-metrics.ts';
import { VFLOW_METRICS } from './vflow/series.ts';

/** All metrics that `/metrics` can have, by what they are about: docs/metrics.md has these tables. */
export const METRICS_CATALOGUE: Readonly<Record<string, readonly MetricDefinition[]>> = {
  Service: SERVICE_METRICS,
  'State, health and rules': STATE_METRICS,
  'The engine in the kernel': KERNEL_METRICS,
  'Following another node': FOLLOWER_METRICS,
  'Forwarders and losses': FORWARDER_METRICS,
  'Exporters and collectors': [
    ...RULE_METRICS,
    ...COLLECTOR_METRICS,
    ...EXPORTER_METRICS,
    ...SILENT_METRICS,
    ...MISSED_METRICS,
  ],
  API: API_METRICS,
  Pipelines: PIPELINE_METRICS,
  Processes: PROCESS_METRICS,
  Announcer: ANNOUNCER_METRICS.filter(({ name }) => name.startsWith('floxy_')),
  'Monitoring itself': [...HTTP_METRICS, ...PUSH_METRICS],
  "vFlow's names": VFLOW_METRICS,
};
