import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  collectorStatus,
  IDLE,
  NOTHING_REJECTED,
  presentRules,
  proxySource,
  serviceSource,
} from '../../test/support/metric-sources.ts';
import { distinctStats, pipelineStats } from '../../test/support/pipeline-stats.ts';
import { promtoolProblems } from '../../test/support/promtool.ts';
import { endpoint, outputs, rule, ruleSet } from '../../test/support/rule-sets.ts';
import type { ExporterStatus, SilentExporter } from '../model/exporter-status.ts';
import type { FollowerStatus } from '../model/status.ts';
import type { ForwarderStatus, SystemStatus } from '../telemetry/status.ts';
import { ANNOUNCER_METRICS } from './announcer-metrics.ts';
import { METRICS_CATALOGUE } from './catalogue.ts';
import { familiesOf, type MetricFamily } from './metric.ts';
import { MetricsReader } from './metrics-reader.ts';
import { formatMetrics } from './prometheus.ts';
import { ProcessReader } from './service/process-metrics.ts';
import { VflowCounters } from './vflow/figures.ts';
import { VFLOW_METRICS } from './vflow/series.ts';

const ALL = Object.values(METRICS_CATALOGUE).flat();

const FOLLOWER: FollowerStatus = {
  leader: '192.0.2.9:8853',
  isConnected: true,
  leaderRevision: 8,
  appliedRevision: 7,
  lagRevisions: 1,
  secondsSinceContact: 0.5,
  isOverridden: false,
};

const RULES = ruleSet(
  [rule('192.0.2.1', ['198.51.100.1:9'])],
  outputs(['198.51.100.2:9']).map((output) => ({ ...output, sampleOneIn: 2 })),
);

const { exporter: RULED } = rule('192.0.2.1');
const SEEN: ExporterStatus = {
  endpoint: endpoint('192.0.2.1:7'),
  received: { packets: 1n, bytes: 1n },
  protocol: 'NETFLOW_V9',
  protocols: ['NETFLOW_V9'],
  missed: [{ protocol: 'NETFLOW_V9', sequences: 1, lost: 3n }],
  firstSeen: new Date(0),
  lastSeen: new Date(0),
  truncated: 0n,
  lost: 0n,
  rule: RULED,
};
const SILENT: SilentExporter = {
  exporter: '192.0.2.1',
  rule: RULED,
  expectEveryMs: 1000,
  silentSince: new Date(0),
};

/** Everything that there can be, with traffic, losses and errors. */
async function everything(): Promise<MetricFamily[]> {
  const errors = [{ code: 'EPERM', count: 2n }];
  const counters = { ...IDLE, sendErrors: errors, refusals: errors, receiveErrors: errors };
  const forwarders: ForwarderStatus[] = [
    { ...counters, index: 0, pid: process.pid, restarts: 1 },
    { ...counters, index: 1, restarts: 0 },
  ];
  const status: SystemStatus = {
    proxy: { state: 'OK', error: 'something needs attention' },
    database: { state: 'Offline', error: 'no disk' },
    forwarders,
    isDraining: true,
    kernelEngine: {
      interfaces: ['eth0'],
      handled: { packets: 1n, bytes: 100n },
      up: [{ reason: 'filter', meaning: 'an output has a filter', packets: 1n }],
    },
    follower: FOLLOWER,
  };
  const service = serviceSource({
    forwarders: () => forwarders,
    listeners: () => [{ address: '[::]:2055', received: counters.received, kernelDrops: 1n }],
    endedForwarders: () => ({ countedSince: new Date(0), counters }),
    proxy: proxySource({
      status: () => status,
      presentRules: () => presentRules(RULES),
      collectors: () =>
        Promise.resolve([{ ...collectorStatus('198.51.100.1:9', 5n, 50n), errors }]),
      exporters: () =>
        Promise.resolve({ since: new Date(0), seen: [SEEN], silent: [], forgotten: 0n }),
      silentExporters: () => [SILENT],
      api: () => ({
        calls: [{ method: 'a.B/C', code: 'OK', calls: 1, seconds: 0.5 }],
        connections: 1,
        accepted: 2,
        rejected: { ...NOTHING_REJECTED, role: 3 },
        hasRoles: true,
      }),
    }),
  });
  const pipelines = { pipelines: () => [distinctStats('a'), pipelineStats({ name: 'b "\\\n' })] };
  const reader = new MetricsReader({
    service,
    pipelines,
    processes: new ProcessReader(),
    maxRules: 10,
    http: () => ({
      answers: [{ page: '/metrics', code: 200, count: 1 }],
      connections: 1,
      refused: 0,
    }),
    push: () => [{ to: 'influxdb', sent: 1, refused: 2, dropped: 3, waiting: 4, failures: 5 }],
  });
  const some = await reader.rules(new Set(['192.0.2.7']));
  const notFound = some.filter(({ name }) => name === 'floxy_rules_not_found');
  const figures = {
    announced: new Map([
      ['192.0.2.100', true],
      ['2001:db8::100', false],
    ]),
    isWanted: true,
    ...{ good: 1, bad: 2, announcements: 3, withdrawals: 4, failures: 5 },
  };
  const announcer = familiesOf(ANNOUNCER_METRICS, {
    startedAt: new Date(0),
    figures: () => figures,
  });
  const vflow = familiesOf(VFLOW_METRICS, new VflowCounters(pipelines).read());
  // That one is on pages of some rules alone.
  return [
    ...(await reader.all()).filter(({ name }) => name !== 'floxy_rules_not_found'),
    ...notFound,
    ...announcer.filter(({ name }) => name.startsWith('floxy_')),
    ...vflow,
  ];
}

test('S30: what a page can have is in the catalogue, and the other way round', async () => {
  const families = await everything();
  const present = families.filter(({ samples }) => [...samples].length > 0);
  assert.deepEqual(
    present.map(({ name }) => name).toSorted(),
    ALL.map(({ name }) => name).toSorted(),
  );
});

test('S30: samples have the labels that the catalogue names, and no two are the same', async () => {
  for (const { name, labels, samples } of await everything()) {
    const seen = new Set<string>();
    for (const sample of samples) {
      const keys = Object.keys(sample.labels ?? {});
      assert.deepEqual(
        keys.filter((key) => !labels.includes(key)),
        [],
        name,
      );
      const identity = JSON.stringify(sample.labels ?? {});
      assert.ok(!seen.has(identity), `${name} ${identity}`);
      seen.add(identity);
      assert.ok(sample.value >= 0, name);
    }
  }
});

test('S30: names are those of the conventions of Prometheus, each once', () => {
  const names = ALL.map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
  for (const { name, type, help, labels } of ALL) {
    assert.match(name, /^(?:floxy|process|nodejs|vflow)_[a-z0-9_]+$/);
    if (!name.startsWith('vflow_')) assert.equal(name.endsWith('_total'), type === 'counter', name);
    assert.doesNotMatch(name, /_(?:ms|us|kb|kib|octets|percent)(?:_|$)/);
    assert.ok(help.length > 10, name);
    for (const label of labels) assert.match(label, /^[a-z]+$/);
  }
});

test("S30: promtool is content with everything, but for vFlow's names", async () => {
  const page = [...formatMetrics(await everything())].join('');
  const problems = await promtoolProblems(page);
  const others = problems.filter((line) => !line.startsWith('vflow_'));
  assert.deepEqual(others, []);
});
