/** What is pushed, as databases have it afterwards. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { pino } from 'pino';
import type { MetricsConfig } from '../../src/config/config.ts';
import type { MetricFamily } from '../../src/web/metric.ts';
import { InfluxdbSink } from '../../src/web/push/influxdb.ts';
import type { PointBatch } from '../../src/web/push/points.ts';
import { MetricsPush } from '../../src/web/push/push.ts';
import { Pusher } from '../../src/web/push/pusher.ts';
import { VflowCounters } from '../../src/web/vflow/figures.ts';
import { waitFor } from '../lab/shell.ts';
import { freeTcpPort } from '../support/free-port.ts';
import { pipelineStats } from '../support/pipeline-stats.ts';
import { startInfluxdb, startVictoriaMetrics } from './servers.ts';

const log = pino({ enabled: false });
const HOST = 'node 1,a=b';

const CONFIG: MetricsConfig = {
  address: 'off',
  maxRules: 10_000,
  pushMetrics: 'vflow',
  pushMaxRules: 1000,
  influxdbUrl: undefined,
  influxdbDatabase: 'vflow',
  influxdbBucket: undefined,
  influxdbOrganisation: undefined,
  influxdbTokenFile: undefined,
  opentsdbUrl: undefined,
  pushIntervalMs: 50,
  pushHost: HOST,
};

const PROTOCOLS = ['ipfix', 'sflow', 'netflowv5', 'netflowv9'];
const OF_PROTOCOLS = [
  'udp.rate',
  'decode.rate',
  'mq.error.rate',
  'workers',
  'udp.queue',
  'mq.queue',
];
const OF_SYSTEM = [
  ...['mem.heap.alloc', 'mem.alloc', 'mcache.inuse', 'mem.total.alloc', 'mem.heap.sys'],
  'num.goroutine',
];

/** Every series that vFlow's monitor has, as `metric type`. */
const ALL_SERIES = [
  ...OF_PROTOCOLS.flatMap((metric) => PROTOCOLS.map((type) => `${metric} ${type}`)),
  'udp.mirror.queue ipfix',
  ...OF_SYSTEM.map((metric) => `${metric} `),
].toSorted();

function startPush(
  config: Partial<MetricsConfig>,
  families: readonly MetricFamily[] = [],
): AsyncDisposable {
  const stats = pipelineStats({
    workers: 3,
    decode: { sflow: { datagrams: 10 } },
    producer: { queuedRecords: 7 },
  });
  const counters = new VflowCounters({ pipelines: () => [stats] });
  const push = new MetricsPush({
    config: { ...CONFIG, ...config },
    vflow: counters,
    families: () => Promise.resolve(families),
    log,
  });
  push.start();
  return { [Symbol.asyncDispose]: () => push.stop() };
}

test("InfluxDB 1 has every series of vFlow's monitor, with host and type", async () => {
  await using influxdb = await startInfluxdb();
  await using _push = startPush({ influxdbUrl: influxdb.url });
  const seen = async () => {
    const [series] = await influxdb.query('SHOW SERIES');
    return series?.values.map(([key]) => String(key)).toSorted() ?? [];
  };
  await waitFor('all series', async () => (await seen()).length === ALL_SERIES.length);
  const escaped = HOST.replaceAll(/[,= ]/g, (character) => `\\${character}`);
  const expected = ALL_SERIES.map((series) => {
    const [metric, type] = series.split(' ');
    return `${metric},host=${escaped}${type === '' ? '' : `,type=${type}`}`;
  });
  assert.deepEqual(await seen(), expected.toSorted());
  const [queue] = await influxdb.query(`SELECT last(value) FROM "mq.queue" WHERE type = 'sflow'`);
  assert.equal(queue?.values[0]?.[1], 7);
  const [workers] = await influxdb.query(`SELECT last(value) FROM workers WHERE host = '${HOST}'`);
  assert.equal(workers?.values[0]?.[1], 3);
});

test('by the API of InfluxDB 2 the same arrives (at VictoriaMetrics)', async () => {
  await using victoria = await startVictoriaMetrics();
  await using _push = startPush({
    influxdbUrl: victoria.url,
    influxdbBucket: 'flow',
    influxdbOrganisation: 'net',
  });
  const selector = '{__name__=~".+_value"}';
  const series = await waitFor('all series', async () => {
    const found = await victoria.series(selector);
    return found.length === ALL_SERIES.length && found;
  });
  const names = series.map(
    ({ metric }) => `${metric['__name__']?.replace(/_value$/, '')} ${metric['type'] ?? ''}`,
  );
  assert.deepEqual(names.toSorted(), ALL_SERIES);
  assert.ok(series.every(({ metric }) => metric['host'] === HOST));
});

for (const scheme of ['http', 'tcp'] as const) {
  test(`OpenTSDB has the same by ${scheme} (VictoriaMetrics' listener)`, async () => {
    await using victoria = await startVictoriaMetrics();
    await using _push = startPush({ opentsdbUrl: `${scheme}://${victoria.opentsdb}` });
    const series = await waitFor('all series', async () => {
      const found = await victoria.series('{host!=""}');
      return found.length === ALL_SERIES.length && found;
    });
    const names = series.map(({ metric }) => `${metric['__name__']} ${metric['type'] ?? ''}`);
    assert.deepEqual(names.toSorted(), ALL_SERIES);
    assert.ok(series.every(({ metric }) => metric['host'] === 'node_1_a_b'));
    const queue = series.find(
      ({ metric }) => metric['__name__'] === 'mq.queue' && metric['type'] === 'sflow',
    );
    assert.equal(queue?.values[0], 7);
  });
}

/** Two series, as a page has them. */
const FLOXY: readonly MetricFamily[] = [
  {
    name: 'floxy_exporter_sent_packets_total',
    help: 'copies',
    type: 'counter',
    labels: ['exporter', 'collector'],
    samples: [
      { labels: { exporter: '192.0.2.1', collector: '[2001:db8::1]:2055' }, value: 2n ** 40n },
      { labels: { exporter: 'all rules', collector: '' }, value: 3 },
    ],
  },
  { name: 'floxy_rules', help: 'rules', type: 'gauge', labels: [], samples: [{ value: 7 }] },
];

test('S33: InfluxDB has the metrics of the page, labels as tags', async () => {
  await using influxdb = await startInfluxdb();
  await using _push = startPush({ influxdbUrl: influxdb.url, pushMetrics: 'floxy' }, FLOXY);
  const seen = async () => {
    const [series] = await influxdb.query('SHOW SERIES');
    return series?.values.map(([key]) => String(key)).toSorted() ?? [];
  };
  await waitFor('all series', async () => (await seen()).length >= 3);
  const host = HOST.replaceAll(/[,= ]/g, (character) => `\\${character}`);
  const name = 'floxy_exporter_sent_packets_total';
  assert.deepEqual(await seen(), [
    `${name},collector=[2001:db8::1]:2055,exporter=192.0.2.1,host=${host}`,
    `${name},exporter=all\\ rules,host=${host}`,
    `floxy_rules,host=${host}`,
  ]);
  // A series is known a moment before its first value is.
  const value = await waitFor('the value', async () => {
    const text = `SELECT last(value) FROM ${name} WHERE exporter='192.0.2.1'`;
    const [sent] = await influxdb.query(text);
    return sent?.values[0]?.[1] as number | undefined;
  });
  assert.equal(value, 2 ** 40);
});

test('S33: by the API of InfluxDB 2 they arrive too (at VictoriaMetrics)', async () => {
  await using victoria = await startVictoriaMetrics();
  const config = { influxdbUrl: victoria.url, influxdbBucket: 'b', influxdbOrganisation: 'o' };
  await using _push = startPush({ ...config, pushMetrics: 'floxy' }, FLOXY);
  const series = await waitFor('all series', async () => {
    const found = await victoria.series('{__name__=~"floxy.+_value"}');
    return found.length === 3 && found;
  });
  const collectors = series.map(({ metric }) => metric['collector']);
  assert.ok(collectors.includes('[2001:db8::1]:2055'));
});

for (const scheme of ['http', 'tcp'] as const) {
  test(`S33: OpenTSDB has them by ${scheme}, more than fit into one request`, async () => {
    await using victoria = await startVictoriaMetrics();
    const many = Array.from({ length: 2500 }, (_, i) => ({ labels: { rule: `r${i}` }, value: i }));
    const family = { ...(FLOXY[1] as MetricFamily), name: 'floxy_many', samples: many };
    const config = { opentsdbUrl: `${scheme}://${victoria.opentsdb}`, pushIntervalMs: 500 };
    await using _push = startPush({ ...config, pushMetrics: 'floxy' }, [...FLOXY, family]);
    const series = await waitFor('all series', async () => {
      const found = await victoria.series('{__name__=~"floxy.+"}');
      return found.length === 2503 && found;
    });
    const collector = series.find(({ metric }) => metric['collector'] !== undefined);
    assert.equal(collector?.metric['collector'], '_2001_db8__1__2055');
    assert.equal(collector?.values[0], 2 ** 40);
    assert.equal(series.filter(({ metric }) => metric['rule'] === 'r2499').length, 1);
  });
}

function batchAt(epochSeconds: number): PointBatch {
  return {
    epochSeconds,
    host: 'node1',
    points: [{ metric: 'udp.rate', tags: { type: 'ipfix' }, value: 1 }],
  };
}

test('S33: while InfluxDB is away batches wait, and arrive in their time when it is there again', async () => {
  await using influxdb = await startInfluxdb();
  const sink = new InfluxdbSink({
    url: influxdb.url,
    database: 'vflow',
    bucket: undefined,
    token: undefined,
  });
  const pusher = new Pusher({ sink, log, firstDelayMs: 20 });
  await influxdb.stop();
  for (let i = 0; i < 10; i++) pusher.push([batchAt(1_700_000_000 + i)]);
  await influxdb.start();
  const times = async () => {
    const [series] = await influxdb.query('SELECT value FROM "udp.rate"');
    return series?.values.length;
  };
  await waitFor('all ten', async () => (await times()) === 10);
  assert.equal(pusher.figures().dropped, 0);
  await pusher.stop();
});

test('S33: what waits is bounded: the oldest go, counted; stopping does not wait', async () => {
  const sink = new InfluxdbSink({
    url: `http://127.0.0.1:${await freeTcpPort()}`,
    database: 'vflow',
    bucket: undefined,
    token: undefined,
  });
  const pusher = new Pusher({ sink, log });
  for (let i = 0; i < 1000; i++) pusher.push([batchAt(i)]);
  assert.equal(pusher.figures().dropped, 940);
  await pusher.stop();
});

test('S33: the token is sent, and what is refused is not sent again', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'floxy-push-'));
  const seen: { url: string | undefined; authorization: string | undefined }[] = [];
  const server = createServer((request, response) => {
    seen.push({ url: request.url, authorization: request.headers.authorization });
    request.resume();
    response.writeHead(401).end('unauthorized');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : 0;
    const token = path.join(folder, 'token');
    await writeFile(token, 'secret\n');
    await using _push = startPush({
      influxdbUrl: `http://127.0.0.1:${port}`,
      influxdbBucket: 'flow',
      influxdbOrganisation: 'my net',
      influxdbTokenFile: token,
    });
    await waitFor('a second batch, not the first again', () => seen.length >= 2);
    assert.deepEqual(seen[0], {
      url: '/api/v2/write?org=my+net&bucket=flow&precision=s',
      authorization: 'Token secret',
    });
  } finally {
    server.close();
    server.closeAllConnections();
    await rm(folder, { recursive: true });
  }
});
