/** What becomes of an exporter's packets, as people and programs are told. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { status } from '@grpc/grpc-js';
import type { Explaining } from '../../src/api/view/explain.ts';
import { makeExplaining } from '../../src/app/explaining.ts';
import type { HealthSource } from '../../src/control/ports.ts';
import type { Way } from '../../src/model/collector-status.ts';
import type { Collector, Output, Rule } from '../../src/model/rules.ts';
import type { ExplanationMessage } from '../../src/protocol/view-messages.ts';
import { runFloxy } from '../cli/fake-terminal.ts';
import { pipelineStats } from '../support/pipeline-stats.ts';
import { exporter, outputs, rule, ruleSet } from '../support/rule-sets.ts';
import { SURROUNDINGS, startApi, TestClient } from './harness.ts';

const NEAR: Way = { route: 'ok', neighbour: 'reachable', device: 'eth1', mtu: 9000 };
const WAYS: Readonly<Record<string, Way>> = {
  '198.51.100.1': { ...NEAR, via: '198.18.2.254', mtu: 1500, source: '198.18.2.1' },
  '198.51.100.2': { ...NEAR, neighbour: 'failed' },
  '198.51.100.3': { route: 'none', neighbour: 'unknown' },
  '2001:db8:c::a': NEAR,
};

/** Host of the collector that is down. */
let down: string | undefined;

const health: HealthSource = {
  find: ({ endpoint }) =>
    endpoint.host === down
      ? { endpoint, check: 'TCP', state: 'down', since: new Date(0), cause: 'ECONNREFUSED' }
      : undefined,
  summary: () => ({ watched: 0, down: 0, unknown: 0, troubled: [] }),
};

const EXPLAINING: Explaining = {
  ...makeExplaining(SURROUNDINGS.explaining, health, {
    dataPlane: { kernelEngine: () => undefined },
    paths: { whyNoPath: () => undefined },
  }),
  findWays: async () => new Map(Object.entries(WAYS)),
};

const [first] = outputs(['198.51.100.1:9995', '198.51.100.2', '2001:db8:c::a']);
const collectors = (first?.collectors ?? []).map((one, i) => ({ ...one, weight: i + 1 }));
const RULES: readonly Rule[] = [
  { exporter: exporter('10.0.0.0/8'), outputs: [{ collectors }, { pipeline: 'archive' }] },
  {
    exporter: exporter('10.20.0.0/16'),
    description: 'routers of the north',
    outputs: [
      {
        name: 'north',
        description: 'for billing',
        balance: 'BY_EXPORTER',
        sampleOneIn: 10,
        filter: { protocols: ['IPFIX', 'NETFLOW_V9'], listeningPorts: [9995] },
        collectors: collectors.map((one) => ({ ...one, dscp: 8, hopLimit: 3 })),
      },
    ],
  },
  rule('10.20.0.1:7', ['198.51.100.3']),
  rule('10.30.0.0/16@4739'),
  { exporter: exporter('2001:db8::/32'), outputs: outputs(['2001:db8:c::a']) },
];

function start(rules: readonly Rule[] = RULES) {
  const parts = {
    explaining: EXPLAINING,
    listening: ['[::]:2055', '[::]:4739'],
    pipelineStats: { pipelines: () => [pipelineStats({ name: 'flows' })] },
  };
  return startApi({}, {}, parts).then((api) => {
    api.control.ruleSet = ruleSet(rules, outputs(['198.51.100.3:1', '2001:db8:c::a']));
    api.control.revision = 7;
    api.control.counters = { packets: 1234n, bytes: 5n };
    return api;
  });
}

test('A60: explain prints the rule, why no other fires, and the ways of copies', async () => {
  await using api = await start();
  const explain = async (...args: string[]) => {
    const run = await runFloxy(['--api', api.address, 'explain', ...args]);
    assert.equal(run.exitCode, 0, run.errors);
    return run.output;
  };
  assert.equal(
    await explain('10.9.0.1:1000'),
    `10.9.0.1:1000 to port 2055: rule 10.0.0.0/8, by a prefix of its address (rules[0] of revision 7, 1,234 packets so far)
output 1: they take turns by their weights, templates go to all of them
  198.51.100.1:9995  17 % of packets, source 10.9.0.1:1000, via 198.18.2.254 dev eth1, mtu 1500, neighbour reachable
  198.51.100.2:2055  33 % of packets, source 10.9.0.1:1000, dev eth1, mtu 9000, neighbour failed
    - it does not answer ARP on eth1, so its copies are lost and count as sent: is it up, and in this network?
  [2001:db8:c::a]:2055  50 % of packets, source [::ffff:10.9.0.1]:1000, dev eth1, mtu 9000, neighbour reachable
output 2: pipeline archive
  - there is no such pipeline: its packets are lost
`,
  );
  assert.equal(
    await explain('10.20.0.1:7'),
    `10.20.0.1:7 to port 2055: rule 10.20.0.1:7, by its address and its source port (rules[2] of revision 7, 1,234 packets so far)
not 10.20.0.0/16: the address 10.20.0.1 beats a prefix
not 10.0.0.0/8: the address 10.20.0.1 beats a prefix
output 1
  198.51.100.3:2055  source 10.20.0.1:7, route none
    - there is no route to it: add one (ip route add)
`,
  );
  assert.equal(
    await explain('10.30.0.1@4739'),
    `10.30.0.1 to port 4739: rule 10.30.0.0/16@4739, by the longest prefix of its address and the listening port (rules[3] of revision 7, 1,234 packets so far)
not 10.0.0.0/8: 10.30.0.0/16@4739 is a longer prefix
- the rule has no outputs: the packets are counted and dropped
`,
  );
  assert.equal(
    await explain('2001:db9::1@6343'),
    `2001:db9::1 to port 6343: no rule, default outputs (revision 7)
output 1
  198.51.100.3:1  route none
    - it is IPv4, so it gets no packets of an IPv6 exporter with their source
  [2001:db8:c::a]:6343  source 2001:db9::1, dev eth1, mtu 9000, neighbour reachable
- the proxy does not receive on port 6343, but on 2055, 4739
`,
  );
});

test('A60: conditions, hashing, marks and descriptions of an output are told', async () => {
  await using api = await start();
  using client = new TestClient(api.address);
  const ask = (host: string) =>
    client.ask<ExplanationMessage>('View.ExplainExporter', { exporter: { host, port: 5 } });
  const { rule: fires, outputs: found } = await ask('10.20.0.1');
  assert.equal(fires?.description, 'routers of the north');
  const [output] = found;
  assert.deepEqual(output?.conditions, [
    'only IPFIX or NETFLOW_V9',
    'only what comes to port 9995',
    'one of 10 packets',
  ]);
  assert.equal(output?.choice, 'each exporter has one collector, by its address');
  assert.deepEqual([output?.name, output?.description], ['north', 'for billing']);
  assert.equal(output?.problem, 'it takes no packets that come to port 2055');
  assert.deepEqual(output?.collectors[0]?.marks, ['hop limit 3', 'DSCP 8']);
  const chosen = new Set<number>();
  for (let i = 1; i < 40; i++) {
    const [{ collectors: told } = { collectors: [] }] = (await ask(`10.20.1.${i}`)).outputs;
    const shares = told.map(({ share }) => share);
    assert.deepEqual(shares.toSorted(), [0, 0, 1], 'one of them has the exporter');
    chosen.add(shares.indexOf(1));
  }
  assert.equal(chosen.size, 3);
});

test('A60, H3: a collector that is down gets nothing, and a standby one its share', async () => {
  const standby = { ...collectors[2], isStandby: true } as Collector;
  const pair = [{ collectors: [...collectors.slice(0, 1), standby] }];
  await using api = await start([{ exporter: exporter('10.0.0.0/8'), outputs: pair }]);
  using client = new TestClient(api.address);
  const told = async () => {
    const request = { exporter: { host: '10.1.1.1', port: 5 } };
    const { outputs: found } = await client.ask<ExplanationMessage>(
      'View.ExplainExporter',
      request,
    );
    return found[0]?.collectors.map(({ share, health: state, problem }) => [share, state, problem]);
  };
  assert.deepEqual(await told(), [
    [1, undefined, undefined],
    [0, undefined, undefined],
  ]);
  down = '198.51.100.1';
  const [gone, spare] = (await told()) ?? [];
  down = undefined;
  assert.deepEqual(gone?.slice(0, 2), [0, 'down']);
  assert.match(String(gone?.[2]), /^it is down since 1970-.*TCP: ECONNREFUSED/);
  assert.deepEqual(spare, [1, undefined, undefined]);
});

test('A60, R25: the source that collectors see is theirs, fixed, or the proxy has it', async () => {
  const [near, , far] = collectors;
  assert.ok(near !== undefined && far !== undefined);
  const fixed = exporter('192.0.2.77').endpoint;
  const outputs: Output[] = [
    { collectors: [{ ...near, source: 'PROXY' }] },
    { collectors: [{ ...near, sourceEndpoint: fixed }] },
    { collectors: [{ ...far, sourceEndpoint: { ...fixed, port: 9 } }] },
    {
      collectors: [
        { ...far, ipv4SourcePrefix: Uint8Array.of(0, 100, 255, 155, ...Array(8).fill(0)) },
      ],
    },
  ];
  await using api = await start([{ exporter: exporter('10.0.0.0/8'), outputs }]);
  using client = new TestClient(api.address);
  const request = { exporter: { host: '10.1.1.1', port: 5 } };
  const told = await client.ask<ExplanationMessage>('View.ExplainExporter', request);
  const sources = told.outputs.map(({ collectors: [one] }) => [one?.source, ...(one?.marks ?? [])]);
  assert.deepEqual(sources, [
    ['198.18.2.1', 'from an address and port of this proxy'],
    ['192.0.2.77:5'],
    ['[::ffff:192.0.2.77]:9'],
    ['[64:ff9b::a01:101]:5'],
  ]);
});

test('A60, V8: what is set aside is told as such', async () => {
  await using api = await start();
  const { defaultOutputs, rules } = api.control.ruleSet;
  const [output] = defaultOutputs;
  const [wide] = rules;
  assert.ok(output !== undefined && wide !== undefined);
  api.control.unfitRules = {
    rules: new Map([[wide, 'a collector is this host']]),
    defaultOutputs: new Map([[output, 'its collector is this host']]),
  };
  const run = await runFloxy(['--api', api.address, 'explain', '10.9.0.1:1000', '-o', 'json']);
  const told: ExplanationMessage = JSON.parse(run.output);
  assert.equal(told.rule, undefined);
  assert.equal(told.others[0]?.why, 'it is set aside: a collector is this host');
  assert.match(told.outputs[0]?.problem ?? '', /^it is not in force, .*: its collector is this/);
});

test('A60: what is no address, or no port, is refused with its place', async () => {
  await using api = await start();
  using client = new TestClient(api.address);
  const refused = (request: object, details: RegExp) =>
    assert.rejects(client.ask('View.ExplainExporter', request), {
      code: status.INVALID_ARGUMENT,
      details,
    });
  await refused({}, /^exporter: missing$/);
  await refused({ exporter: { host: 'router' } }, /^exporter\.host: "router" is not an/);
  const at = { exporter: { host: '192.0.2.1' }, listeningPort: 70_000 };
  await refused(at, /^listening_port: 70000 is not within 1 to 65535$/);
  const run = await runFloxy(['--api', api.address, 'explain', '10.0.0.0/8']);
  assert.equal(run.exitCode, 2);
  assert.match(run.errors, /10\.0\.0\.0\/8 is a prefix: give an address in it/);
  api.control.isRestoring = true;
  await assert.rejects(client.ask('View.ExplainExporter', { exporter: { host: '192.0.2.1' } }), {
    code: status.UNAVAILABLE,
  });
});
