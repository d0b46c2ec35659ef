/** What monitoring itself does. */
import type { HttpFigures } from '../http-listener.ts';
import type { Metric } from '../metric.ts';
import type { PushFigures } from '../push/pusher.ts';

/** Of the listener that answers. */
export const HTTP_METRICS: readonly Metric<HttpFigures>[] = [
  {
    name: 'floxy_http_requests_total',
    help: 'answers of this listener by page and HTTP status',
    type: 'counter',
    labels: ['page', 'code'],
    *read({ answers }) {
      for (const { page, code, count } of answers) {
        yield { labels: { page, code: String(code) }, value: count };
      }
    },
  },
  {
    name: 'floxy_http_connections',
    help: 'connections to this listener',
    type: 'gauge',
    labels: [],
    read: ({ connections }) => [{ value: connections }],
  },
  {
    name: 'floxy_http_connections_refused_total',
    help: 'connections that were closed because there were too many',
    type: 'counter',
    labels: [],
    read: ({ refused }) => [{ value: refused }],
  },
];

/** Of each database that metrics are pushed to. */
export const PUSH_METRICS: readonly Metric<readonly PushFigures[]>[] = [
  {
    name: 'floxy_push_points_total',
    help: 'values that were pushed: sent, refused by the database, or dropped because too many waited',
    type: 'counter',
    labels: ['to', 'result'],
    *read(pushers) {
      for (const { to, sent, refused, dropped } of pushers) {
        for (const [result, value] of Object.entries({ sent, refused, dropped })) {
          yield { labels: { to, result }, value };
        }
      }
    },
  },
  {
    name: 'floxy_push_failures_total',
    help: 'attempts to push that failed and are made again',
    type: 'counter',
    labels: ['to'],
    *read(pushers) {
      for (const { to, failures } of pushers) yield { labels: { to }, value: failures };
    },
  },
  {
    name: 'floxy_push_points_waiting',
    help: 'values that wait to be pushed',
    type: 'gauge',
    labels: ['to'],
    *read(pushers) {
      for (const { to, waiting } of pushers) yield { labels: { to }, value: waiting };
    },
  },
];
