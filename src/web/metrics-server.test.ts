import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { serviceSource } from '../../test/support/metric-sources.ts';
import { distinctStats, pipelineStats } from '../../test/support/pipeline-stats.ts';
import { promtoolProblems } from '../../test/support/promtool.ts';
import { DECODE_COUNTERS } from '../flow/decode/counters.ts';
import { PRODUCER_COUNTERS } from '../flow/pipeline/counters.ts';
import type { PipelineStats } from '../flow/pipeline/stats.ts';
import { familiesOf } from './metric.ts';
import { MetricsReader } from './metrics-reader.ts';
import { makeMetricsServer } from './metrics-server.ts';
import { PIPELINE_METRICS } from './pipeline-metrics.ts';
import { formatMetrics } from './prometheus.ts';
import { ProcessReader } from './service/process-metrics.ts';
import { VflowCounters } from './vflow/figures.ts';

async function serve(stats: readonly PipelineStats[], service = serviceSource()) {
  const pipelines = { pipelines: () => stats };
  const metrics = new MetricsReader({
    service,
    pipelines,
    processes: new ProcessReader(),
    maxRules: 10_000,
    http: () => server.figures(),
    push: () => [],
  });
  const server = makeMetricsServer({
    address: { octets: Uint8Array.of(127, 0, 0, 1), port: 0 },
    service,
    metrics,
    vflow: new VflowCounters(pipelines),
    log: pino({ enabled: false }),
  });
  await server.start();
  return {
    get: async (path: string, init?: RequestInit) =>
      await fetch(`http://127.0.0.1:${server.boundPort}${path}`, init),
    [Symbol.asyncDispose]: () => server.stop(),
  };
}

function pageOf(pipelines: readonly PipelineStats[]): string {
  return [...formatMetrics(familiesOf(PIPELINE_METRICS, pipelines))].join('');
}

test("promtool is content with /metrics, but for vFlow's names, which are vFlow's", async () => {
  await using at = await serve([distinctStats('a'), pipelineStats({ name: 'b "\\\n' })]);
  const answer = await at.get('/metrics');
  assert.equal(answer.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
  const problems = await promtoolProblems(await answer.text());
  const others = problems.filter(
    (line) => !/^vflow_\w+ counter metrics should have "_total" suffix$/.test(line),
  );
  assert.deepEqual(others, []);
  assert.equal(problems.length, 12);
});

test('/metrics, /flow and /sys are there at once', async () => {
  await using at = await serve([pipelineStats({ decode: { sflow: { datagrams: 4 } } })]);
  const metrics = await (await at.get('/metrics')).text();
  assert.match(metrics, /^vflow_sflow_udp_packets 4$/m);
  assert.match(metrics, /^floxy_build_info\{version="1\.2\.3",commit="abc",node="v\d+.*"\} 1$/m);
  const flow = (await (await at.get('/flow')).json()) as { SFlow: { UDPCount: number } };
  assert.equal(flow.SFlow.UDPCount, 4);
  assert.equal((await at.get('/sys')).status, 200);
});

test('S32: /healthz answers while the process lives, /readyz says why the node does not do its share', async () => {
  await using ready = await serve([]);
  assert.equal((await ready.get('/readyz')).status, 200);
  await using at = await serve(
    [],
    serviceSource({ notReady: () => 'the proxy is Offline: no such address' }),
  );
  const answer = await at.get('/readyz');
  assert.equal(answer.status, 503);
  assert.equal(await answer.text(), 'not ready: the proxy is Offline: no such address\n');
  assert.equal((await at.get('/readyz', { method: 'HEAD' })).status, 503);
  const alive = await at.get('/healthz');
  assert.deepEqual([alive.status, await alive.text()], [200, 'ok\n']);
  assert.match(await (await at.get('/metrics')).text(), /^floxy_ready 0$/m);
});

test('S30: who asks for OpenMetrics gets it', async () => {
  await using at = await serve([distinctStats('a')]);
  const accept = 'application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5';
  const answer = await at.get('/metrics', { headers: { accept } });
  assert.match(answer.headers.get('content-type') ?? '', /^application\/openmetrics-text;/);
  const text = await answer.text();
  assert.match(text, /\n# EOF\n$/);
  assert.match(text, /^# TYPE floxy_pipeline_ring_taken counter$/m);
  assert.match(text, /^floxy_pipeline_ring_taken_total\{pipeline="a"\} \d+$/m);
  assert.match(text, /^# TYPE vflow_sflow_udp_packets unknown$/m);
});

test('every counter of every catalogue is a series, with its own value', () => {
  const stats = distinctStats();
  const families = familiesOf(PIPELINE_METRICS, [stats]);
  const values = families.flatMap(({ samples }) =>
    Array.from(samples, ({ value }) => Number(value)),
  );
  const { ring, worker, producer, enrich, decode } = stats.total;
  const { busyMs, ...workerCounts } = worker;
  const counted = [ring, workerCounts, producer, enrich, stats.deaths].flatMap((group) =>
    Object.values(group),
  );
  for (const value of [...counted, ...decode, busyMs / 1000]) {
    assert.ok(values.includes(value), `${value}`);
  }
  const names = new Set(families.map(({ name }) => name));
  assert.equal(names.size, families.length);
  assert.ok(names.has('floxy_pipeline_producer_queued_bytes'));
  assert.ok(names.has('floxy_pipeline_producer_delivered_total'));
  assert.ok(names.has('floxy_pipeline_worker_busy_seconds_total'));
  assert.ok(Object.keys(PRODUCER_COUNTERS).length < names.size);
});

test('decoders are counted by pipeline and protocol', () => {
  const text = pageOf([pipelineStats({ name: 'p', decode: { netflow9: { records: 12 } } })]);
  assert.match(
    text,
    /^floxy_pipeline_decode_records_total\{pipeline="p",protocol="netflow9"\} 12$/m,
  );
  assert.match(text, /^floxy_pipeline_decode_unknown_version_total\{pipeline="p"\} 0$/m);
  const lines = text.split('\n').filter((line) => line.startsWith('floxy_pipeline_decode_'));
  assert.equal(lines.length, DECODE_COUNTERS.length);
});

test('a pipeline that does not run is down', () => {
  const failing = pipelineStats({ name: 'p', state: 'failing', error: 'no broker' });
  assert.match(pageOf([failing]), /^floxy_pipeline_up\{pipeline="p"\} 0$/m);
});

test('without pipelines there are no series of them', () => {
  assert.doesNotMatch(pageOf([]), /floxy_pipeline/);
});
