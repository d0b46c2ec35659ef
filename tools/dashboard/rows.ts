/** What the dashboard shows. */
import type { Graph, NumberPanel, Query, Row, Step } from './panel.ts';

/** The nodes that are looked at. */
const NODES = 'job=~"floxy.*",instance=~"$instance"';

/** The most that a panel shows of exporters and collectors. */
const MOST = 20;

const GOOD_IS_1: readonly Step[] = [
  { from: null, color: 'red' },
  { from: 1, color: 'green' },
];
const GOOD_IS_0: readonly Step[] = [
  { from: null, color: 'green' },
  { from: 1, color: 'orange' },
];
const PLAIN: readonly Step[] = [{ from: null, color: 'blue' }];

/** A metric of the nodes. @param labels more selectors: `cause="truncated"` */
function of(metric: string, labels = ''): string {
  return `${metric}{${NODES}${labels === '' ? '' : `,${labels}`}}`;
}

function rate(metric: string, by: string, labels = ''): string {
  return `sum by (${by}) (rate(${of(metric, labels)}[$__rate_interval]))`;
}

function most(expr: string): string {
  return `topk(${MOST}, ${expr})`;
}

function query(expr: string, legend = '{{instance}}'): Query {
  return { expr, legend };
}

function graph(title: string, unit: string, ...queries: readonly Query[]): Graph {
  return { kind: 'graph', title, unit, queries, width: 12 };
}

function number(title: string, expr: string, steps: readonly Step[], unit = 'short'): NumberPanel {
  return { kind: 'number', title, unit, steps, queries: [query(expr)], width: 4 };
}

const OVERVIEW: Row = {
  title: 'Overview',
  panels: [
    {
      ...number('Ready', of('floxy_ready'), GOOD_IS_1),
      words: { '0': 'not ready', '1': 'ready' },
    },
    number('Rules', of('floxy_rules'), PLAIN),
    number('Revision', of('floxy_rules_revision'), PLAIN),
    number('Needs attention', `sum by (instance) (${of('floxy_problem')})`, GOOD_IS_0),
    number('Rules set aside', of('floxy_rules_set_aside'), GOOD_IS_0),
    number('Up for', `time() - ${of('process_start_time_seconds')}`, PLAIN, 's'),
    graph(
      'Packets',
      'pps',
      query(rate('floxy_forwarder_received_packets_total', 'instance'), '{{instance}} in'),
      query(rate('floxy_forwarder_forwarded_packets_total', 'instance'), '{{instance}} out'),
      query(rate('floxy_forwarder_pipelines_packets_total', 'instance'), '{{instance}} pipelines'),
    ),
    graph(
      'Payload',
      'Bps',
      query(rate('floxy_forwarder_received_bytes_total', 'instance'), '{{instance}} in'),
      query(rate('floxy_forwarder_forwarded_bytes_total', 'instance'), '{{instance}} out'),
    ),
    {
      kind: 'table',
      title: 'State',
      unit: 'short',
      width: 12,
      queries: [query(`${of('floxy_state')} == 1`, '{{subsystem}} {{state}}')],
    },
    {
      kind: 'table',
      title: 'Releases',
      unit: 'short',
      width: 12,
      queries: [query(of('floxy_build_info'), '{{version}}')],
    },
  ],
};

const LOSSES: Row = {
  title: 'Losses',
  panels: [
    {
      ...graph(
        'Losses by cause',
        'pps',
        query(rate('floxy_losses_total', 'instance, cause'), '{{instance}} {{cause}}'),
      ),
      description: 'What to do about each cause: docs/operating.md, Losses.',
    },
    graph(
      'Send errors by collector',
      'pps',
      query(
        most(rate('floxy_collector_send_errors_total', 'instance, collector, error')),
        '{{instance}} {{collector}} {{error}}',
      ),
    ),
    graph(
      'Kernel drops by forwarder',
      'pps',
      query(
        rate('floxy_forwarder_kernel_drops_total', 'instance, forwarder'),
        '{{instance}} {{forwarder}}',
      ),
    ),
    graph(
      'Send errors by error',
      'pps',
      query(rate('floxy_forwarder_send_errors_total', 'instance, error'), '{{instance}} {{error}}'),
    ),
    {
      kind: 'table',
      title: 'Lost in the range of the dashboard',
      unit: 'short',
      width: 12,
      queries: [
        query(
          `sum by (instance, cause) (increase(${of('floxy_losses_total')}[$__range]))`,
          '{{cause}}',
        ),
      ],
    },
    graph(
      'Waits for full send buffers',
      'ops',
      query(rate('floxy_forwarder_send_retries_total', 'instance')),
    ),
  ],
};

const EXPORTERS: Row = {
  title: 'Exporters',
  panels: [
    number('Exporters seen', of('floxy_exporters_seen'), PLAIN),
    number('Unknown exporters', of('floxy_exporters_unknown'), GOOD_IS_0),
    number('Silent rules', of('floxy_rules_silent'), GOOD_IS_0),
    number('Rules told together', of('floxy_rules_aggregated'), GOOD_IS_0),
    graph(
      'Packets by exporter',
      'pps',
      query(
        most(rate('floxy_exporter_received_packets_total', 'instance, exporter')),
        '{{instance}} {{exporter}}',
      ),
    ),
    graph(
      'Payload by exporter',
      'Bps',
      query(
        most(rate('floxy_exporter_received_bytes_total', 'instance, exporter')),
        '{{instance}} {{exporter}}',
      ),
    ),
    graph(
      'Packets without a rule',
      'pps',
      query(rate('floxy_mismatched_packets_total', 'instance')),
    ),
    graph(
      'Copies by exporter and collector',
      'pps',
      query(
        most(rate('floxy_exporter_sent_packets_total', 'instance, exporter, collector, pipeline')),
        '{{instance}} {{exporter}} → {{collector}}{{pipeline}}',
      ),
    ),
  ],
};

const COLLECTORS: Row = {
  title: 'Collectors',
  panels: [
    graph(
      'Copies by collector',
      'pps',
      query(
        most(rate('floxy_collector_sent_packets_total', 'instance, collector')),
        '{{instance}} {{collector}}',
      ),
    ),
    graph(
      'Payload by collector',
      'Bps',
      query(
        most(rate('floxy_collector_sent_bytes_total', 'instance, collector')),
        '{{instance}} {{collector}}',
      ),
    ),
    {
      kind: 'table',
      title: 'Collectors with a problem',
      description: 'floxy collectors says what it is, and what to do.',
      unit: 'short',
      width: 24,
      queries: [query(`${of('floxy_collector_problem')} > 0`, '{{collector}}')],
    },
  ],
};

const FOLLOWING: Row = {
  title: 'Following',
  panels: [
    { ...number('Connected', of('floxy_follower_connected'), GOOD_IS_1), width: 8 },
    { ...number('Revisions behind', of('floxy_follower_lag_revisions'), GOOD_IS_0), width: 8 },
    { ...number('Changed here', of('floxy_follower_overridden'), GOOD_IS_0), width: 8 },
  ],
};

const PIPELINES: Row = {
  title: 'Pipelines',
  panels: [
    graph(
      'Datagrams taken and lost',
      'pps',
      query(rate('floxy_pipeline_ring_taken_total', 'instance, pipeline'), '{{pipeline}} taken'),
      query(rate('floxy_pipeline_ring_lost_total', 'instance, pipeline'), '{{pipeline}} lost'),
    ),
    graph(
      'Records decoded',
      'ops',
      query(
        rate('floxy_pipeline_decode_records_total', 'instance, pipeline, protocol'),
        '{{pipeline}} {{protocol}}',
      ),
    ),
    graph(
      'Records delivered, failed, dropped',
      'ops',
      query(
        rate('floxy_pipeline_producer_delivered_total', 'instance, pipeline'),
        '{{pipeline}} delivered',
      ),
      query(
        rate('floxy_pipeline_producer_failed_total', 'instance, pipeline'),
        '{{pipeline}} failed',
      ),
      query(
        rate('floxy_pipeline_producer_dropped_total', 'instance, pipeline'),
        '{{pipeline}} dropped',
      ),
    ),
    graph(
      'Behind',
      'short',
      query(of('floxy_pipeline_ring_lag'), '{{pipeline}} datagrams'),
      query(of('floxy_pipeline_producer_queued_records'), '{{pipeline}} records'),
    ),
    graph(
      'Lost between exporter and here',
      'ops',
      query(
        rate('floxy_pipeline_decode_lost_before_arrival_total', 'instance, pipeline, protocol'),
        '{{pipeline}} {{protocol}}',
      ),
    ),
    graph('Workers', 'short', query(of('floxy_pipeline_workers'), '{{pipeline}}')),
  ],
};

const API: Row = {
  title: 'API',
  panels: [
    graph(
      'Calls by method and status',
      'ops',
      query(rate('floxy_api_calls_total', 'instance, method, code'), '{{method}} {{code}}'),
    ),
    graph(
      'Time of a call',
      's',
      query(
        `${rate('floxy_api_call_seconds_total', 'instance, method', 'code="OK"')} / (${rate('floxy_api_calls_total', 'instance, method', 'code="OK"')} > 0)`,
        '{{method}}',
      ),
    ),
    graph(
      'Connections',
      'short',
      query(of('floxy_api_connections'), '{{instance}} API'),
      query(of('floxy_http_connections'), '{{instance}} HTTP'),
    ),
    graph(
      'Turned away by cause',
      'ops',
      query(rate('floxy_api_rejected_total', 'instance, cause'), '{{instance}} {{cause}}'),
    ),
  ],
};

const PROCESS = '{{instance}} {{process}} {{forwarder}}{{pipeline}} {{worker}}';

const PROCESSES: Row = {
  title: 'Processes',
  panels: [
    graph(
      'CPU',
      'percentunit',
      query(
        rate('floxy_process_cpu_seconds_total', 'instance, process, forwarder, pipeline, worker'),
        PROCESS,
      ),
    ),
    graph('Resident memory', 'bytes', query(of('floxy_process_resident_memory_bytes'), PROCESS)),
    graph(
      'Descriptors',
      'percentunit',
      query(`${of('floxy_process_open_fds')} / ${of('floxy_process_max_fds')}`, PROCESS),
    ),
    graph(
      'Event loop of control',
      'percentunit',
      query(rate('nodejs_eventloop_active_seconds_total', 'instance')),
    ),
    graph('Database', 'bytes', query(of('floxy_database_size_bytes'))),
    graph(
      'Log lines dropped, restarts of forwarders',
      'short',
      query(
        `increase(${of('floxy_log_lines_dropped_total')}[$__rate_interval])`,
        '{{instance}} lines',
      ),
      query(
        `sum by (instance) (increase(${of('floxy_forwarder_restarts_total')}[$__rate_interval]))`,
        '{{instance}} restarts',
      ),
    ),
  ],
};

export const ROWS: readonly Row[] = [
  OVERVIEW,
  LOSSES,
  EXPORTERS,
  COLLECTORS,
  FOLLOWING,
  PIPELINES,
  API,
  PROCESSES,
];
