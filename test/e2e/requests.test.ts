import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type ApiFailure, GRPC, type ProxyRulesMessage, toMessage } from '../lab/api.ts';
import { PROXY_V4 } from '../lab/lab.ts';
import type { RuleSetText } from '../lab/reference.ts';
import { requireRoot } from '../lab/require-root.ts';
import { Stage } from '../lab/stage.ts';
import type { EndpointText } from '../lab/wire.ts';

const E1 = { host: '203.0.113.31' };
const E2 = { host: '203.0.113.32', port: 4000 };
const E6 = { host: '2001:db8:e::31' };
const C1 = { host: '198.51.100.31', port: 9995 };
const C2 = { host: '198.51.100.32', port: 9995 };
const C6 = { host: '2001:db8:c::31', port: 9995 };
const BASE: RuleSetText = { rules: [{ exporter: E1, outputs: [[C1]] }], defaultOutputs: [[C2]] };

/** The wire form of a rule set with one rule. */
function oneRule(exporter: object, collector: object = C1, weight?: number): object {
  const collectors = [{ endpoint: collector, ...(weight !== undefined && { weight }) }];
  return { rules: [{ exporter: { endpoint: exporter }, outputs: [{ collectors }] }] };
}

function revisionOf({ headers }: { headers: Readonly<Record<string, string>> }): number {
  return Number(headers['collector-rules-revision']);
}

describe('requests', { skip: requireRoot() }, () => {
  let stage: Stage;
  before(async () => {
    stage = await Stage.start();
  });
  after(() => stage[Symbol.asyncDispose]());

  const exporterHosts = async () =>
    (await stage.api.rules()).rules.map(({ exporter }) => exporter.endpoint);

  /** A refused change has to leave everything as it is, on the wire too. */
  async function assertRefused(method: string, request: object, code: number, message: RegExp) {
    await stage.api.replace(BASE);
    const before = await stage.api.rules();
    await assert.rejects(stage.api.call('Settings', method, request), (error: ApiFailure) => {
      assert.equal(error.code, code, error.details);
      assert.match(error.details, message);
      return true;
    });
    assert.deepEqual(await stage.api.rules(), before);
    const from = { ...E1, port: 1 };
    const [arrived, ...more] = await stage.exchange([{ from, payload: Buffer.from('as before') }]);
    assert.deepEqual([arrived?.destination, more], [C1.host, []]);
  }

  test('E1: octets and host are the same exporter, and packets of it match', async () => {
    for (const [octets, endpoint] of [
      [Buffer.of(203, 0, 113, 31), E1],
      [Buffer.from('20010db8000e00000000000000000031', 'hex'), E6],
    ] as const) {
      const request = oneRule({ octets: octets.toString('base64') }, C6);
      await stage.api.call('Settings', 'ReplaceProxyRules', request);
      assert.deepEqual(await exporterHosts(), [endpoint]);
      const arrived = await stage.exchange([
        { from: { ...endpoint, port: 1 }, payload: Buffer.from('x') },
      ]);
      assert.deepEqual(
        arrived.map(({ destination }) => destination),
        [C6.host],
      );
    }
  });

  for (const [name, exporter] of [
    ['a host name', { host: 'router.example' }],
    ['a zone id', { host: 'fe80::1%eth0' }],
    ['octets of another length', { octets: Buffer.alloc(5, 1).toString('base64') }],
    ['no address', { port: 1 }],
  ] as const) {
    test(`E1: ${name} is refused`, () =>
      assertRefused(
        'ReplaceProxyRules',
        oneRule(exporter),
        GRPC.INVALID_ARGUMENT,
        /rules\[0\]\.exporter\.endpoint/,
      ));
  }

  test('E2: spellings of one address are one exporter, and answers print RFC 5952', async () => {
    for (const [spelling, printed] of [
      ['2001:DB8:E:0:0:0:0:31', '2001:db8:e::31'],
      ['::ffff:203.0.113.31', '203.0.113.31'],
      ['::FFFF:cb00:711f', '203.0.113.31'],
    ]) {
      await stage.api.call('Settings', 'ReplaceProxyRules', oneRule({ host: spelling }, C6));
      assert.deepEqual(await exporterHosts(), [{ host: printed }]);
      const from = { host: printed ?? '', port: 1 };
      const arrived = await stage.exchange([{ from, payload: Buffer.from('x') }]);
      assert.equal(arrived.length, 1);
    }
  });

  test('E3: port 0 is no port, and answers leave it out; above 65535 is refused', async () => {
    await stage.api.call(
      'Settings',
      'ReplaceProxyRules',
      oneRule({ ...E1, port: 0 }, { ...C1, port: 0 }),
    );
    assert.deepEqual(
      await stage.api.rules(),
      toMessage({ rules: [{ exporter: E1, outputs: [[{ host: C1.host }]] }] }),
    );
    await assertRefused(
      'UpdateProxyRules',
      oneRule({ ...E1, port: 65_536 }),
      GRPC.INVALID_ARGUMENT,
      /exporter\.endpoint\.port/,
    );
  });

  test('V9: weights are listed as they were given, and left out when they are 1', async () => {
    const outputs = (weight?: number) => [
      [
        { ...C1, weight: 1000 },
        { ...C2, ...(weight && { weight }) },
      ],
    ];
    await stage.api.replace({
      rules: [{ exporter: E1, outputs: outputs(1) }],
      defaultOutputs: outputs(2),
    });
    assert.deepEqual(
      await stage.api.rules(),
      toMessage({ rules: [{ exporter: E1, outputs: outputs() }], defaultOutputs: outputs(2) }),
    );
  });

  test('E4: the header collector-address-format chooses host or octets; other values are refused', async () => {
    await stage.api.replace(BASE);
    const list = (format: string) =>
      stage.api.call<ProxyRulesMessage>(
        'Settings',
        'ListProxyRules',
        {},
        {
          headers: { 'collector-address-format': format },
        },
      );
    const binary = (await list('binary')).response.rules[0]?.exporter.endpoint;
    assert.deepEqual(binary, { octets: Buffer.of(203, 0, 113, 31).toString('base64') });
    assert.deepEqual((await list('text')).response.rules[0]?.exporter.endpoint, E1);
    await assert.rejects(list('hex'), { code: GRPC.INVALID_ARGUMENT });
  });

  for (const [rule, request, place] of [
    [
      'V1: two rules for one exporter',
      toMessage({
        rules: [...BASE.rules, { exporter: { host: `::ffff:${E1.host}` }, outputs: [] }],
      }),
      /rules\[1\].*rules\[0\]|rules\[0\].*rules\[1\]/s,
    ],
    [
      'V2: one collector twice in an output',
      toMessage({ rules: [{ exporter: E1, outputs: [[C1, C2, C1]] }] }),
      /rules\[0\]\.outputs\[0\]\.collectors\[2\]/,
    ],
    [
      'V3: an IPv4 collector of an IPv6 exporter',
      oneRule(E6, C1),
      /rules\[0\]\.outputs\[0\]\.collectors\[0\]/,
    ],
    [
      'V4: the proxy itself as collector',
      oneRule(E1, { host: PROXY_V4, port: 2055 }),
      /rules\[0\]\.outputs\[0\]\.collectors\[0\]/,
    ],
    [
      'V4: the proxy itself as collector, without port',
      oneRule(E1, { host: PROXY_V4 }),
      /rules\[0\]\.outputs\[0\]\.collectors\[0\]/,
    ],
    [
      'V5: a multicast collector',
      oneRule(E1, { host: '239.1.1.1', port: 1 }),
      /rules\[0\]\.outputs\[0\]\.collectors\[0\]/,
    ],
    [
      'V9: a weight of 0',
      oneRule(E1, C1, 0),
      /rules\[0\]\.outputs\[0\]\.collectors\[0\]\.weight: 0 is not within 1 to 1000/,
    ],
    [
      'V9: a weight beyond 1000',
      oneRule(E1, C1, 1001),
      /rules\[0\]\.outputs\[0\]\.collectors\[0\]\.weight: 1001 is not within 1 to 1000/,
    ],
    [
      'V7: an output without collectors',
      { rules: [{ exporter: { endpoint: E1 }, outputs: [{}] }] },
      /rules\[0\]\.outputs\[0\]/,
    ],
  ] as const) {
    test(`${rule} is refused with its place, and nothing changes`, () =>
      assertRefused('ReplaceProxyRules', request, GRPC.INVALID_ARGUMENT, place));
  }

  test('A1: rules are listed in the order in which they were given', async () => {
    const exporters = [E2, E6, E1, { host: '192.0.2.9' }, { host: '203.0.113.5' }];
    const ruleSet = {
      rules: exporters.map((exporter) => ({ exporter, outputs: [[C6], [C6]] })),
      defaultOutputs: [[C2, C1]],
    };
    await stage.api.replace(ruleSet);
    assert.deepEqual(await stage.api.rules(), toMessage(ruleSet));
  });

  test('A2: ReplaceProxyRules replaces everything, in force when it answers', async () => {
    for (const [collector, i] of [C1, C2, C1, C2].map((endpoint, i) => [endpoint, i] as const)) {
      await stage.api.replace({ rules: [{ exporter: E1, outputs: [[collector]] }] });
      const arrived = await stage.exchange([
        { from: { ...E1, port: 100 + i }, payload: Buffer.from('x') },
      ]);
      assert.deepEqual(
        arrived.map(({ destination }) => destination),
        [collector.host],
      );
    }
  });

  test('A3: UpdateProxyRules adds and replaces rules, and keeps the default outputs when none are given', async () => {
    await stage.api.replace({
      rules: [
        { exporter: E1, outputs: [[C1]] },
        { exporter: E6, outputs: [] },
      ],
      defaultOutputs: [[C2]],
    });
    await stage.api.update({
      rules: [
        { exporter: E2, outputs: [[C2]] },
        { exporter: E1, outputs: [[C6]] },
      ],
    });
    const { rules, default_outputs } = await stage.api.rules();
    assert.deepEqual(
      rules,
      toMessage({
        rules: [
          { exporter: E1, outputs: [[C6]] },
          { exporter: E6, outputs: [] },
          { exporter: E2, outputs: [[C2]] },
        ],
      }).rules,
    );
    assert.deepEqual(
      default_outputs,
      toMessage({ rules: [], defaultOutputs: [[C2]] }).default_outputs,
    );
    await stage.api.update({ rules: [], defaultOutputs: [[C1]] });
    const changed = await stage.api.rules();
    assert.deepEqual(
      [changed.rules, changed.default_outputs],
      [rules, toMessage({ rules: [], defaultOutputs: [[C1]] }).default_outputs],
    );
  });

  test('A4: DeleteProxyRules takes exact exporters, all or none', async () => {
    const exporters: EndpointText[] = [E1, { ...E1, port: 5 }, E2];
    await stage.api.replace({ rules: exporters.map((exporter) => ({ exporter, outputs: [] })) });
    await assert.rejects(stage.api.delete(E1, { host: E2.host }), (error: ApiFailure) => {
      assert.equal(error.code, GRPC.NOT_FOUND);
      assert.match(error.details, /203\.0\.113\.32/);
      return true;
    });
    assert.equal((await exporterHosts()).length, 3);
    await assert.rejects(stage.api.delete(), { code: GRPC.INVALID_ARGUMENT });
    await stage.api.delete(E1, E2);
    assert.deepEqual(await exporterHosts(), [{ ...E1, port: 5 }]);
  });

  test('A5, A6, A7: both statistics calls agree, build info and status are told', async () => {
    await stage.api.replace(BASE);
    const metrics = await stage.api.call('Metrics', 'GetProxyStats');
    assert.deepEqual(
      (await stage.api.call('Settings', 'GetProxyStats')).response,
      metrics.response,
    );
    const { response } = await stage.api.call<Record<string, string>>('Settings', 'GetBuildInfo');
    assert.deepEqual(
      [response['node_version'], response['platform']],
      [process.version, `${process.platform}-${process.arch}`],
    );
    const { proxy, database } = await stage.api.status();
    assert.deepEqual([proxy, database], [{ state: 'OK' }, { state: 'OK' }]);
  });

  test('A8: concurrent changes are applied one after the other, none is lost', async () => {
    await stage.api.replace({ rules: [] });
    const exporters = Array.from({ length: 40 }, (_, i) => ({ host: `192.0.2.${i + 1}` }));
    await Promise.all(
      exporters.map((exporter) => stage.api.update({ rules: [{ exporter, outputs: [[C1]] }] })),
    );
    const hosts = new Set((await exporterHosts()).map(({ host }) => host));
    assert.deepEqual(hosts, new Set(exporters.map(({ host }) => host)));
  });

  test('A9: the revision grows by one with each change, and an outdated expectation is ABORTED', async () => {
    // Each is another one than the one before: what changes nothing makes no revision (A42).
    let outputs = 0;
    const change = (headers = {}) => {
      const defaultOutputs = Array.from({ length: ++outputs }, (_, i) => [
        { host: '198.18.2.9', port: 1 + i },
      ]);
      const ruleSet = { ...BASE, defaultOutputs };
      return stage.api.call('Settings', 'ReplaceProxyRules', toMessage(ruleSet), { headers });
    };
    const first = revisionOf(await change());
    assert.equal(revisionOf(await stage.api.call('Settings', 'ListProxyRules')), first);
    const expected = { 'collector-expected-rules-revision': String(first) };
    assert.equal(revisionOf(await change(expected)), first + 1);
    await assert.rejects(change(expected), { code: GRPC.ABORTED });
    assert.equal(revisionOf(await stage.api.call('Settings', 'ListProxyRules')), first + 1);
  });
});
