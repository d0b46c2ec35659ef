/** The service View against a client: overview, settings, long lists, traffic. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { ServiceError } from '@grpc/grpc-js';
import { exporterKey } from '../../src/model/rules.ts';
import { loadServices } from '../../src/protocol/definitions.ts';
import type { SystemStatusMessage } from '../../src/protocol/messages.ts';
import type {
  ExportersPageMessage,
  OverviewMessage,
  ServiceSettingsMessage,
  StatsPageMessage,
  TrafficViewMessage,
} from '../../src/protocol/view-messages.ts';
import { runFloxy } from '../cli/fake-terminal.ts';
import { endpoint, exporter, outputs, rule, ruleSet } from '../support/rule-sets.ts';
import { startApi, type TestApi, TestClient, unaryCall } from './harness.ts';

const { view, metrics } = loadServices();

let api: TestApi;
let client: TestClient;

before(async () => {
  api = await startApi();
  client = new TestClient(api.address);
});

after(async () => {
  client[Symbol.dispose]();
  await api[Symbol.asyncDispose]();
});

async function ask<T>(method: string): Promise<T> {
  const definition = view[method];
  assert.ok(definition);
  const { answer, error } = await unaryCall<T>(client.client, definition, {});
  if (answer === undefined) throw error;
  return answer;
}

/** All messages of a stream. */
async function list<T>(method: string, request: object = {}, service = view): Promise<T[]> {
  const definition = service[method];
  assert.ok(definition);
  const { path, requestSerialize, responseDeserialize } = definition;
  const call = client.client.makeServerStreamRequest(
    path,
    requestSerialize,
    responseDeserialize,
    request,
  );
  const messages: T[] = [];
  for await (const message of call) messages.push(message);
  return messages;
}

const FEW = [
  rule('192.0.2.1:1000', ['198.51.100.1:5']),
  rule('192.0.2.200', ['198.51.100.1:6', '198.51.100.2']),
  rule('192.0.3.1', ['2001:db8::1:5']),
  rule('2001:db8::7', ['2001:db8:0:1::5']),
  { exporter: exporter('192.0.2.3'), outputs: [{ pipeline: 'flows' }] },
];

describe('long lists', () => {
  before(() => {
    api.control.ruleSet = ruleSet(FEW, outputs(['198.51.100.9']));
    api.control.revision = 7;
  });

  const FILTERS: readonly (readonly [object, readonly string[]])[] = [
    [{ exporters: ['192.0.2.0/24'] }, ['192.0.2.1:1000', '192.0.2.200', '192.0.2.3']],
    [{ exporters: ['192.0.2.128/25', '2001:db8::/32'] }, ['192.0.2.200', '2001:db8::7']],
    [{ exporters: ['192.0.2.1'] }, ['192.0.2.1:1000']],
    [{ exporters: ['192.0.2.1:1000'] }, ['192.0.2.1:1000']],
    [{ exporters: ['192.0.2.1:1001'] }, []],
    [{ exporters: ['::ffff:192.0.3.0/120'] }, ['192.0.3.1']],
    [
      { exporters: ['0.0.0.0/0'] },
      FEW.slice(0, 3)
        .concat(FEW.slice(4))
        .map((r) => exporterKey(r.exporter)),
    ],
    [{ collectors: ['198.51.100.0/24'] }, ['192.0.2.1:1000', '192.0.2.200']],
    [{ collectors: ['198.51.100.1:6'] }, ['192.0.2.200']],
    [{ collectors: ['2001:db8:0:1::/64'] }, ['2001:db8::7']],
    [{ collectors: ['198.51.100.2'], pipelines: ['flows'] }, ['192.0.2.200', '192.0.2.3']],
    [{ exporters: ['192.0.2.3'], collectors: ['198.51.100.2'] }, []],
  ];
  for (const [filter, expected] of FILTERS) {
    test(`S22: ListRules and ListStats choose by ${JSON.stringify(filter)}`, async () => {
      const rules = (await list<StatsPageMessage>('ListRules', { filter })).flatMap(
        (part) => part.rules ?? [],
      );
      const stats = await list<StatsPageMessage>('ListStats', { filter });
      const names = (found: typeof rules) =>
        found.map(
          ({
            exporter: {
              endpoint: { host, port },
            },
          }) =>
            exporterKey({
              endpoint: endpoint(
                host?.includes(':') && port
                  ? `[${host}]:${port}`
                  : port
                    ? `${host}:${port}`
                    : `${host}`,
              ),
            }),
        );
      assert.deepEqual(names(rules), expected);
      assert.deepEqual(names(stats.flatMap((part) => part.rules ?? [])), expected);
      assert.ok(stats.every(({ defaultOutputs = [] }) => defaultOutputs.length === 0));
    });
  }

  test('S22: a bad filter is refused with its place', async () => {
    for (const bad of ['192.0.2.0/33', 'a', '192.0.2.1/', '2001:db8::/-1', '192.0.2.1:70000']) {
      await assert.rejects(list('ListRules', { filter: { collectors: [bad] } }), (error) => {
        const { code, details } = error as ServiceError;
        assert.equal(code, 3);
        return details.startsWith('filter.collectors[0]: ');
      });
    }
  });

  test('S22: all rules come in parts, first the revision, last the default outputs', async () => {
    const many = Array.from({ length: 1201 }, (_, i) => rule(`10.0.${i >> 8}.${i & 255}`));
    api.control.ruleSet = ruleSet(many, outputs(['198.51.100.9']));
    const parts = await list<StatsPageMessage & { revision?: string }>('ListRules');
    assert.equal(parts[0]?.revision, '7');
    assert.ok(parts.length > 3);
    assert.equal(parts.flatMap(({ rules = [] }) => rules).length, 1201);
    assert.equal(parts.at(-1)?.defaultOutputs?.length, 1);
    const limited = await list<StatsPageMessage>('ListRules', { limit: 3 });
    assert.equal(limited.flatMap(({ rules = [] }) => rules).length, 3);
    const stats = await list<StatsPageMessage>('ListStats');
    assert.equal(stats.flatMap(({ rules = [] }) => rules).length, 1201);
    assert.equal(stats.at(-1)?.mismatched?.packets, '0');
    assert.equal(stats.at(-1)?.defaultOutputs?.length, 1);
  });

  test('A10, S22: lists wait for the saved rules', async () => {
    api.control.isRestoring = true;
    try {
      await assert.rejects(list('ListRules'), { code: 14, details: 'being restored' });
      await assert.rejects(list('ListStats'), { code: 14 });
      const overview = await ask<OverviewMessage>('GetOverview');
      assert.deepEqual([overview.revision, overview.rules], [undefined, undefined]);
    } finally {
      api.control.isRestoring = false;
    }
  });
});

test('S20: an overview has all of the status, the verdict, and what runs', async () => {
  api.control.state = 'Offline';
  const overview = await ask<OverviewMessage>('GetOverview');
  const status = await client.ask<SystemStatusMessage>('GetSystemStatus');
  api.control.state = 'OK';
  assert.equal(overview.verdict, 'Offline');
  assert.deepEqual({ ...overview, ...status }, overview);
  assert.deepEqual(overview.listening, ['[::]:2055']);
  assert.equal(overview.build.version, '0.1.0');
  assert.deepEqual(overview.problems, [{ what: 'proxy: why' }]);
});

test('S21: settings are those of the service', async () => {
  const settings = [{ variable: 'COLLECTOR_LOG_LEVEL', value: 'warn', meaning: 'how much' }];
  await using other = await startApi({}, {}, { settings });
  using asking = new TestClient(other.address);
  const definition = view['GetServiceSettings'];
  assert.ok(definition);
  const { answer } = await unaryCall<ServiceSettingsMessage>(asking.client, definition, {});
  assert.deepEqual(answer, { settings });
});

describe('traffic', () => {
  const seen = (text: string, packets: bigint, known: boolean) => ({
    endpoint: endpoint(text),
    received: { packets, bytes: packets * 100n },
    protocol: 'NETFLOW_V9' as const,
    protocols: ['NETFLOW_V9'] as const,
    missed: [],
    firstSeen: new Date(),
    lastSeen: new Date(),
    truncated: 0n,
    lost: 0n,
    ...(known && { rule: exporter(text.replace(/:\d+$/, '')) }),
  });
  const report = (busy: bigint) => ({
    since: new Date('2026-11-26T10:00:00Z'),
    seen: [seen('192.0.2.1:1000', 10n, true), seen('192.0.2.2:1000', busy, false)],
    silent: [{ exporter: exporter('192.0.2.7') }],
    forgotten: 0n,
  });
  const look = (request: object) =>
    list<TrafficViewMessage>('WatchTraffic', { count: 1, intervalSeconds: 0.5, ...request });
  const hosts = (views: TrafficViewMessage[]) =>
    views.flatMap(({ exporters = [] }) =>
      exporters.map(({ endpoint: { host }, state }) => [host, state]),
    );

  test('S22: exporters with their rates, the most first, and rules of which nothing came', async () => {
    api.control.exporterReport = report(1000n);
    const change = setTimeout(() => {
      api.control.exporterReport = report(2000n);
    }, 250);
    const views = await look({ exporters: true });
    clearTimeout(change);
    assert.deepEqual(hosts(views), [
      ['192.0.2.2', 'Unknown'],
      ['192.0.2.1', 'Sending'],
      ['192.0.2.7', 'Silent'],
    ]);
    const rows = views.flatMap(({ exporters = [] }) => exporters);
    const [busy, idle] = rows;
    assert.ok((busy?.rate.packetsPerSecond ?? 0) > 0);
    assert.equal(idle?.rate.packetsPerSecond, 0);
    assert.equal(views.at(-1)?.last, true);
    assert.equal(views.at(-1)?.exporterCount, '3');
  });

  test('S22: only unknown or silent ones, and the first N', async () => {
    api.control.exporterReport = report(1000n);
    assert.deepEqual(hosts(await look({ exporters: true, choice: 'Unknown' })), [
      ['192.0.2.2', 'Unknown'],
    ]);
    assert.deepEqual(hosts(await look({ exporters: true, choice: 'Silent' })), [
      ['192.0.2.7', 'Silent'],
    ]);
    assert.equal(hosts(await look({ exporters: true, limit: 1 })).length, 1);
    const filter = { exporters: ['192.0.2.1'] };
    assert.deepEqual(hosts(await look({ exporters: true, filter })), [['192.0.2.1', 'Sending']]);
  });

  test('S46: ListExporters answers all, with what each has sent, misses and is expected to send', async () => {
    const router = {
      ...seen('192.0.2.1:1000', 10n, true),
      protocols: ['NETFLOW_V9', 'SFLOW_V5'] as const,
      missed: [{ protocol: 'NETFLOW_V9', sequences: 2, lost: 7n }] as const,
      lastSeen: new Date(Date.now() - 20_000),
      expectEveryMs: 10_000,
    };
    const silent = { exporter: exporter('192.0.2.7'), expectEveryMs: 300_000 };
    api.control.exporterReport = {
      ...report(1000n),
      seen: [router, seen('192.0.2.2:1000', 5n, false)],
      silent: [silent],
    };
    const ask = (request: object) =>
      list<ExportersPageMessage>('ListExporters', { intervalSeconds: 0.5, ...request }, metrics);
    const pages = await ask({ order: 'Address' });
    const rows = pages.flatMap(({ exporters = [] }) => exporters);
    assert.deepEqual(
      rows.map(({ endpoint: { host }, state, expectEvery, protocols, missed }) => {
        return [host, state, expectEvery, protocols, missed];
      }),
      [
        [
          '192.0.2.1',
          'Silent',
          '10s',
          ['NETFLOW_V9', 'SFLOW_V5'],
          [{ protocol: 'NETFLOW_V9', lost: '7', sequences: 2 }],
        ],
        ['192.0.2.2', 'Unknown', undefined, ['NETFLOW_V9'], []],
        ['192.0.2.7', 'Silent', '5m', [], []],
      ],
    );
    assert.equal(pages.at(-1)?.count, '3');
    assert.equal(pages.at(-1)?.forgotten, '0');
    const unknown = await ask({ choice: 'Unknown', filter: { exporters: ['192.0.2.0/24'] } });
    assert.equal(unknown.flatMap(({ exporters = [] }) => exporters).length, 1);
    await assert.rejects(ask({ intervalSeconds: 100 }), { code: 3 });
  });

  test('S22: collectors by address, with what copies are lost by at present', async () => {
    const lastError = {
      collector: endpoint('198.51.100.1:5'),
      code: 'EPERM',
      copies: 7n,
      at: new Date(),
      exporter: endpoint('192.0.2.1:1000'),
    };
    const collector = (name: string, lost: bigint) => ({
      endpoint: endpoint(name),
      outputs: 2,
      sent: { packets: 5n, bytes: 500n },
      errors: [{ code: 'EPERM', count: lost }],
      lastError,
      route: 'ok' as const,
      neighbour: 'reachable' as const,
    });
    api.control.collectorStatus = [collector('198.51.100.1:5', 7n), collector('198.51.100.2', 1n)];
    const change = setTimeout(() => {
      api.control.collectorStatus = [
        collector('198.51.100.1:5', 7n),
        collector('198.51.100.2', 101n),
      ];
    }, 250);
    const views = await look({ collectors: true, order: 'Lost' });
    clearTimeout(change);
    const rows = views.flatMap(({ collectors = [] }) => collectors);
    assert.deepEqual(
      rows.map((row) => [row.endpoint.host, row.problem]),
      [
        ['198.51.100.2', 'copies are lost by EPERM: a firewall of this host'],
        ['198.51.100.1', undefined],
      ],
    );
    const filter = { collectors: ['198.51.100.1:5'] };
    const chosen = await look({ collectors: true, filter });
    assert.equal(chosen.flatMap(({ collectors = [] }) => collectors).length, 1);
    assert.equal(chosen.at(-1)?.collectorCount, '1');
    assert.equal(chosen.at(-1)?.forgottenCopies, '0');
    api.control.forgotten = 41_000n;
    const table = await runFloxy(['collectors', '--api', api.address]);
    api.control.forgotten = 0n;
    const note = 'lost copies whose collectors and errors had to make room for others: 41,000';
    assert.match(table.output, new RegExp(`\\n\\n${note}\\n$`));
  });

  test('S22: an interval that cannot be is refused', async () => {
    await assert.rejects(look({ intervalSeconds: 0.1 }), { code: 3 });
    await assert.rejects(look({ silentSeconds: -1 }), { code: 3 });
  });
});
