import { REJECTIONS } from '../../telemetry/rejections.ts';
import { type Metric, single } from '../metric.ts';
import type { ApiFigures } from './source.ts';

const CAUSES = Object.entries(REJECTIONS)
  .map(([cause, meaning]) => `${cause} (${meaning})`)
  .join('; ');

/** Of the gRPC API. */
export const API_METRICS: readonly Metric<ApiFigures>[] = [
  {
    name: 'floxy_api_calls_total',
    help: 'calls that ended, by method and gRPC status',
    type: 'counter',
    labels: ['method', 'code'],
    *read({ calls }) {
      for (const { method, code, calls: value } of calls) yield { labels: { method, code }, value };
    },
  },
  {
    name: 'floxy_api_call_seconds_total',
    help: 'time from the first header of calls to their status; streams last as long as they are read',
    type: 'counter',
    labels: ['method', 'code'],
    *read({ calls }) {
      for (const { method, code, seconds } of calls) {
        yield { labels: { method, code }, value: seconds };
      }
    },
  },
  single('gauge', 'floxy_api_connections', 'connections to the API', (api) => api.connections),
  single(
    'counter',
    'floxy_api_connections_accepted_total',
    'connections that were taken',
    (api) => {
      return api.accepted;
    },
  ),
  {
    name: 'floxy_api_rejected_total',
    help: `calls and connections that were turned away, by cause: ${CAUSES}`,
    type: 'counter',
    labels: ['cause'],
    *read({ rejected }) {
      for (const [cause, value] of Object.entries(rejected)) yield { labels: { cause }, value };
    },
  },
  single(
    'gauge',
    'floxy_api_roles',
    'whether callers of the API have roles; 0 = everybody who reaches it may change everything',
    ({ hasRoles }) => (hasRoles ? 1 : 0),
  ),
];
