import type { BuildInfo } from '../model/status.ts';
import type { MetricFamily } from './prometheus.ts';

const MICROSECONDS = 1e6;
const MILLISECONDS = 1000;

/** Of the process that answers, by the names that all exporters have; and which release it is. */
export function processMetrics(buildInfo: BuildInfo, startedAt: Date): MetricFamily[] {
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed } = process.memoryUsage();
  const { version, commit } = buildInfo;
  return [
    {
      name: 'floxy_build_info',
      help: 'which release this is; always 1',
      type: 'gauge',
      samples: [{ labels: { version, commit, node: process.version }, value: 1 }],
    },
    gauge(
      'process_start_time_seconds',
      'when the service was started',
      startedAt.getTime() / MILLISECONDS,
    ),
    {
      name: 'process_cpu_seconds_total',
      help: 'CPU time of the control process',
      type: 'counter',
      samples: [{ value: (user + system) / MICROSECONDS }],
    },
    gauge('process_resident_memory_bytes', 'resident memory of the control process', rss),
    gauge('nodejs_heap_used_bytes', 'JavaScript heap in use by the control process', heapUsed),
  ];
}

function gauge(name: string, help: string, value: number): MetricFamily {
  return { name, help, type: 'gauge', samples: [{ value }] };
}
