import { type Metric, single } from '../metric.ts';
import type { ApiFigures } from './source.ts';

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
  single(
    'counter',
    'floxy_api_connections_refused_total',
    'connections that were closed because all places were in use',
    (api) => api.refused,
  ),
  single(
    'counter',
    'floxy_api_connections_cut_total',
    'connections that were cut because a request did not end or an answer was not read',
    (api) => api.cut,
  ),
];
