/** The alerts of deploy/prometheus, as promtool evaluates them: each fires when it should, and not before. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { parse, stringify } from 'yaml';
import { packageRoot } from '../../src/package-root.ts';
import { METRICS_CATALOGUE } from '../../src/web/catalogue.ts';
import { attempt } from '../lab/shell.ts';
import { metricsIn } from './queries.ts';

const FOLDER = path.join(packageRoot, 'deploy/prometheus');
const ALERTS = path.join(FOLDER, 'alerts.yml');

interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

async function readAlerts(): Promise<readonly Alert[]> {
  const { groups } = parse(await readFile(ALERTS, 'utf8')) as { groups: { rules: Alert[] }[] };
  return groups.flatMap(({ rules }) => rules);
}

type Labels = Readonly<Record<string, string>>;

/** A series by its name, labels and values, one a minute in promtool's notation. */
type Series = readonly [name: string, labels: Labels, values: string];

interface Case {
  readonly alert: string;
  /** What it fires on. */
  readonly bad: readonly Series[];
  /** The same when all is well. */
  readonly good: readonly Series[];
  /** Labels of the alert that come from series, besides job and instance. */
  readonly labels?: Labels;
  /** When it has to fire. */
  readonly at?: string;
}

const NODE = { job: 'floxy', instance: 'node1:8081' };

/** A gauge that has one value for four hours. */
function is(name: string, value: number, labels: Labels = {}): Series {
  return [name, labels, `${value}x240`];
}

/** A counter that grows each minute. */
function grows(name: string, by: number, labels: Labels = {}): Series {
  return [name, labels, `0+${by}x240`];
}

/** Fires while a gauge has one value, and not while it has another. */
function gauge(alert: string, name: string, bad: number, good: number, labels: Labels = {}): Case {
  return { alert, bad: [is(name, bad, labels)], good: [is(name, good, labels)], labels };
}

/** Fires while a counter grows. */
function counter(alert: string, name: string, labels: Labels = {}, by = 1): Case {
  return { alert, bad: [grows(name, by, labels)], good: [grows(name, 0, labels)], labels };
}

const LEADER = { leader: '192.0.2.9:8853' };
const DATABASE_OK = { subsystem: 'database', state: 'OK' };
const COLLECTOR = { collector: '198.51.100.1:9995' };
const FORWARDER = { engine: 'socket', forwarder: '0' };
const SILENT = { exporter: '192.0.2.1', rule: '192.0.2.0/24' };
const MISSED = { exporter: '192.0.2.1', protocol: 'IPFIX' };
const PIPELINE = { pipeline: 'kafka' };

const CASES: readonly Case[] = [
  gauge('FloxyDown', 'up', 0, 1),
  {
    alert: 'FloxyNotReady',
    bad: [is('floxy_ready', 0), is('floxy_draining', 0)],
    good: [is('floxy_ready', 0), is('floxy_draining', 1)],
  },
  { ...gauge('FloxyDrainedForLong', 'floxy_draining', 1, 0), at: '3h' },
  gauge('FloxyDatabaseOffline', 'floxy_state', 0, 1, DATABASE_OK),
  gauge('FloxyNeedsAttention', 'floxy_problem', 1, 0, { subsystem: 'proxy' }),
  gauge('FloxyRulesSetAside', 'floxy_rules_set_aside', 2, 0),
  counter('FloxyLosses', 'floxy_losses_total', { cause: 'kernel_drops' }),
  counter('FloxyCollectorSendErrors', 'floxy_collector_send_errors_total', {
    ...COLLECTOR,
    error: 'ENETUNREACH',
  }),
  gauge('FloxyCollectorDown', 'floxy_collector_down', 1, 0, COLLECTOR),
  gauge('FloxyCollectorProblem', 'floxy_collector_problem', 1, 0, COLLECTOR),
  gauge('FloxyForwarderDown', 'floxy_forwarder_up', 0, 1, FORWARDER),
  counter('FloxyForwarderRestarts', 'floxy_forwarder_restarts_total', FORWARDER),
  {
    alert: 'FloxyNoTraffic',
    bad: [grows('floxy_forwarder_received_packets_total', 0, FORWARDER), is('floxy_rules', 3)],
    good: [grows('floxy_forwarder_received_packets_total', 0, FORWARDER), is('floxy_rules', 0)],
    at: '1h',
  },
  { ...gauge('FloxyRulesSilent', 'floxy_rules_silent', 1, 0), at: '1h' },
  gauge('FloxyExporterSilent', 'floxy_exporter_silent_seconds', 400, 0, SILENT),
  { ...counter('FloxyExporterMissed', 'floxy_exporter_missed_total', MISSED), at: '1h' },
  { ...gauge('FloxyUnknownExporters', 'floxy_exporters_unknown', 1, 0), at: '1h' },
  gauge('FloxyFollowerDisconnected', 'floxy_follower_connected', 0, 1, LEADER),
  gauge('FloxyFollowerBehind', 'floxy_follower_lag_revisions', 2, 0, LEADER),
  { ...gauge('FloxyFollowerOverridden', 'floxy_follower_overridden', 1, 0, LEADER), at: '2h' },
  gauge('FloxyPipelineDown', 'floxy_pipeline_up', 0, 1, PIPELINE),
  counter('FloxyPipelineLosses', 'floxy_pipeline_ring_lost_total', PIPELINE),
  counter('FloxyPipelineLosses', 'floxy_pipeline_producer_dropped_total', PIPELINE),
  counter('FloxyPipelineLosses', 'floxy_pipeline_producer_failed_total', PIPELINE),
  gauge('FloxyProducerFailing', 'floxy_pipeline_producers_failing', 1, 0, PIPELINE),
  {
    alert: 'FloxyDescriptors',
    bad: [
      is('floxy_process_open_fds', 900, { process: 'control' }),
      is('floxy_process_max_fds', 1024, { process: 'control' }),
    ],
    good: [
      is('floxy_process_open_fds', 300, { process: 'control' }),
      is('floxy_process_max_fds', 1024, { process: 'control' }),
    ],
    labels: { process: 'control' },
  },
  {
    alert: 'FloxyControlBusy',
    bad: [grows('nodejs_eventloop_active_seconds_total', 59)],
    good: [grows('nodejs_eventloop_active_seconds_total', 10)],
  },
  counter('FloxyApiInternalErrors', 'floxy_api_calls_total', {
    method: 'collector.proto.Settings/Drain',
    code: 'INTERNAL',
  }),
  counter('FloxyApiRejections', 'floxy_api_rejected_total', { cause: 'role' }, 10),
  counter('FloxyLogLinesDropped', 'floxy_log_lines_dropped_total'),
  counter('FloxyPushLosses', 'floxy_push_points_total', { to: 'influxdb', result: 'dropped' }),
];

/** What Prometheus makes of an annotation. */
function expand(text: string, labels: Labels): string {
  return text.replaceAll(/\{\{ \$labels\.(\w+) \}\}/g, (_, label: string) => labels[label] ?? '');
}

function seriesOf(series: readonly Series[]) {
  return series.map(([name, labels, values]) => {
    const pairs = Object.entries({ ...NODE, ...labels }).map(([key, text]) => `${key}="${text}"`);
    return { series: `${name}{${pairs.join(',')}}`, values };
  });
}

function testsOf(alerts: readonly Alert[]) {
  return CASES.flatMap(({ alert: name, bad, good, labels: own = {}, at = '30m' }) => {
    const alert = alerts.find((candidate) => candidate.alert === name);
    assert.ok(alert, name);
    const labels = { ...NODE, ...own };
    const annotations = Object.entries(alert.annotations).map(([key, text]) => {
      return [key, expand(text, labels)] as const;
    });
    const fired = {
      exp_labels: { ...labels, ...alert.labels },
      exp_annotations: Object.fromEntries(annotations),
    };
    const expect = (series: readonly Series[], expected: readonly object[]) => ({
      interval: '1m',
      input_series: seriesOf(series),
      alert_rule_test: [{ eval_time: at, alertname: name, exp_alerts: expected }],
    });
    return [expect(bad, [fired]), expect(good, [])];
  });
}

test('promtool is content with the alerts, and with the example of a configuration', async () => {
  for (const command of [
    ['promtool', 'check', 'rules', ALERTS],
    ['promtool', 'check', 'config', path.join(FOLDER, 'prometheus.yml')],
  ]) {
    const { status, stdout, stderr } = await attempt(command);
    assert.equal(status, 0, stdout + stderr);
  }
});

test('each alert fires when it should, with what to do, and not while all is well', async () => {
  const alerts = await readAlerts();
  const tried = new Set(CASES.map(({ alert }) => alert));
  assert.deepEqual([...tried].toSorted(), alerts.map(({ alert }) => alert).toSorted());
  const folder = await mkdtemp(path.join(tmpdir(), 'floxy-alerts-'));
  try {
    const file = path.join(folder, 'tests.yml');
    const tests = testsOf(alerts);
    await writeFile(file, stringify({ rule_files: [ALERTS], evaluation_interval: '1m', tests }));
    const { status, stdout, stderr } = await attempt(['promtool', 'test', 'rules', file]);
    assert.equal(status, 0, stdout + stderr);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('docs/metrics.md names each alert', async () => {
  const document = await readFile(path.join(packageRoot, 'docs/metrics.md'), 'utf8');
  const named = new Set(document.match(/`Floxy\w+`/g));
  const alerts = (await readAlerts()).map(({ alert }) => `\`${alert}\``);
  assert.deepEqual([...named].toSorted(), alerts.toSorted());
});

test('alerts ask for metrics of the catalogue', async () => {
  const known = new Set(Object.values(METRICS_CATALOGUE).flatMap((all) => all.map((m) => m.name)));
  for (const { alert, expr } of await readAlerts()) {
    const unknown = metricsIn(expr).filter((name) => name !== 'up' && !known.has(name));
    assert.deepEqual(unknown, [], alert);
  }
});
