import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { endpoint } from '../../test/support/rule-sets.ts';
import { type Exporter, exporterKey } from '../model/rules.ts';
import { canonicaliseExporters, canonicaliseInTurns, canonicaliseRuleSet } from './canonicalise.ts';
import type { EndpointMessage, Unchecked } from './endpoint-message.ts';
import type { ExporterMessage } from './message.ts';

function canonical(endpoint: EndpointMessage): string {
  const [exporter] = canonicaliseExporters([{ endpoint }], 'exporters');
  return exporter === undefined ? '' : exporterKey(exporter);
}

describe('canonicaliseExporters()', () => {
  const accepted: readonly [string, EndpointMessage, string][] = [
    ['E1: IPv4 octets', { octets: Uint8Array.of(192, 0, 2, 1) }, '192.0.2.1'],
    ['E2: a mapped host', { host: '::FFFF:192.0.2.1', port: 7 }, '192.0.2.1:7'],
    [
      'E2: mapped octets',
      { octets: Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 192, 0, 2, 1) },
      '192.0.2.1',
    ],
    ['E2: another spelling of IPv6', { host: '2001:DB8:0::1', port: 65535 }, '[2001:db8::1]:65535'],
    ['E3: port 0 as none', { host: '192.0.2.1', port: 0 }, '192.0.2.1'],
  ];
  for (const [name, endpoint, expected] of accepted) {
    it(`${name} is ${expected}`, () => assert.equal(canonical(endpoint), expected));
  }

  const refused: readonly [string, EndpointMessage, RegExp][] = [
    ['E1: a host name', { host: 'router.example' }, /^exporters\[0\]\.endpoint\.host: "router/],
    ['E1: a zone', { host: 'fe80::1%eth0' }, /endpoint\.host/],
    ['E1: an empty host', { host: '' }, /endpoint\.host/],
    ['E1: octets of another length', { octets: new Uint8Array(5) }, /endpoint\.octets: 5 bytes/],
    ['E1: both', { host: '192.0.2.1', octets: new Uint8Array(4) }, /give one of them$/],
    ['E1: no address', { port: 1 }, /endpoint: host or octets is needed/],
    ['E3: port 65536', { host: '192.0.2.1', port: 65536 }, /endpoint\.port: 65536 is not within/],
  ];
  for (const [name, endpoint, message] of refused) {
    it(`${name} is refused`, () => {
      assert.throws(() => canonical(endpoint), { code: 'INVALID_INPUT', message });
    });
  }
});

describe('prefixes and listening ports of exporters', () => {
  const key = (message: Unchecked<ExporterMessage>) => {
    const [exporter] = canonicaliseExporters([message], 'exporters');
    return exporterKey(exporter as Exporter);
  };
  const mapped = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 20, 0, 0);

  for (const [name, message, expected] of [
    ['R18: IPv4', { endpoint: { host: '10.20.0.0' }, prefixLength: 16 }, '10.20.0.0/16'],
    [
      'R18: IPv6 with a port',
      { endpoint: { host: '2001:DB8::', port: 7 }, prefixLength: 32 },
      '[2001:db8::/32]:7',
    ],
    ['R18: the full length', { endpoint: { host: '10.20.0.1' }, prefixLength: 32 }, '10.20.0.1'],
    ['R18: the full length', { endpoint: { host: '::2' }, prefixLength: 128 }, '::2'],
    ['R18: all of IPv4', { endpoint: { host: '0.0.0.0' }, prefixLength: 0 }, '0.0.0.0/0'],
    ['R18: all of IPv6', { endpoint: { host: '::' }, prefixLength: 0 }, '::/0'],
    [
      'R18: a mapped one',
      { endpoint: { host: '::ffff:10.20.0.0' }, prefixLength: 112 },
      '10.20.0.0/16',
    ],
    ['R18: mapped octets', { endpoint: { octets: mapped }, prefixLength: 112 }, '10.20.0.0/16'],
    [
      'R18: a mapped address',
      { endpoint: { octets: mapped }, prefixLength: 128, listeningPort: 0 },
      '10.20.0.0',
    ],
    [
      'R19: a listening port',
      { endpoint: { host: '192.0.2.1', port: 7 }, listeningPort: 9995 },
      '192.0.2.1:7@9995',
    ],
  ] as const) {
    it(`${name} is ${expected}`, () => assert.equal(key(message), expected));
  }

  for (const [name, message, problem] of [
    [
      'bits behind the prefix',
      { endpoint: { host: '10.20.1.0' }, prefixLength: 16 },
      /^exporters\[0\]\.endpoint: 10\.20\.1\.0\/16 has bits .* the network is 10\.20\.0\.0\/16$/,
    ],
    [
      'one bit behind it',
      { endpoint: { host: '2001:db8::1' }, prefixLength: 127 },
      /the network is 2001:db8::\/127$/,
    ],
    [
      'more bits than there are',
      { endpoint: { host: '10.20.0.0' }, prefixLength: 33 },
      /^exporters\[0\]\.prefix_length: 33 is not within 0 to 32$/,
    ],
    [
      'a mapped address of few bits',
      { endpoint: { host: '::ffff:0.0.0.0' }, prefixLength: 95 },
      /95 is not within 96 to 128$/,
    ],
    [
      'a listening port that is none',
      { endpoint: { host: '192.0.2.1' }, listeningPort: 65536 },
      /^exporters\[0\]\.listening_port: 65536 is not within 0 to 65535$/,
    ],
  ] as const) {
    it(`V11: ${name} is refused`, () => {
      assert.throws(() => key(message), { code: 'INVALID_INPUT', message: problem });
    });
  }
});

describe('canonicaliseRuleSet()', () => {
  it('V5: names every place where an endpoint is missing or wrong', () => {
    const input = {
      rules: [
        { exporter: { endpoint: { host: '192.0.2.1' } } },
        {
          exporter: {},
          outputs: [
            { collectors: [{ endpoint: { host: '192.0.2.2' } }, { endpoint: { port: 70000 } }] },
          ],
        },
      ],
      defaultOutputs: [{ collectors: [{}] }],
    };
    assert.throws(() => canonicaliseRuleSet(input), {
      message: [
        'rules[1].exporter.endpoint: missing',
        'rules[1].outputs[0].collectors[1].endpoint: host or octets is needed',
        'rules[1].outputs[0].collectors[1].endpoint.port: 70000 is not within 0 to 65535',
        'default_outputs[0].collectors[0].endpoint: missing',
      ].join('; '),
    });
  });

  it('V15: takes descriptions of one line, names of outputs and durations with a unit', () => {
    const collectors = [{ endpoint: { host: '192.0.2.1' } }];
    const read = (outputs: object, rule: object = {}) =>
      canonicaliseRuleSet({
        rules: [{ exporter: { endpoint: { host: '192.0.2.9' } }, ...rule }],
        defaultOutputs: [{ collectors, ...outputs }],
      });
    const { rules, defaultOutputs } = read(
      { name: 'site-a', description: 'ä'.repeat(128) },
      { expectEvery: '90s', description: '' },
    );
    assert.deepEqual(rules[0], {
      exporter: { endpoint: endpoint('192.0.2.9') },
      outputs: [],
      expectEveryMs: 90_000,
    });
    assert.equal(defaultOutputs[0]?.name, 'site-a');
    for (const [field, value] of [
      ['name', 'Site A'],
      ['description', 'two\nlines'],
      ['description', `${'ä'.repeat(128)}x`],
    ] as const) {
      const message = new RegExp(`^default_outputs\\[0\\]\\.${field}: `);
      assert.throws(() => read({ [field]: value }), { code: 'INVALID_INPUT', message }, value);
    }
    for (const expectEvery of ['5', '1h30m', '999ms', '366d', '-1m']) {
      const message = /^rules\[0\]\.expect_every: ".*" is not a duration from 1s to 365d/;
      assert.throws(() => read({}, { expectEvery }), { code: 'INVALID_INPUT', message });
    }
  });

  it('V9: takes weights from 1 to 1000, and none as 1', () => {
    const read = (weight?: number) => {
      const collectors = [{ endpoint: { host: '192.0.2.1' }, weight }];
      return canonicaliseRuleSet({ defaultOutputs: [{ collectors }] }).defaultOutputs[0];
    };
    assert.deepEqual(
      [undefined, 1, 2, 1000].map((weight) => read(weight)?.collectors?.[0]?.weight),
      [1, 1, 2, 1000],
    );
    for (const weight of [0, 1001, 1.5, 4294967295]) {
      assert.throws(() => read(weight), {
        code: 'INVALID_INPUT',
        message: `default_outputs[0].collectors[0].weight: ${weight} is not within 1 to 1000`,
      });
    }
  });

  it('V10: takes names of pipelines, and refuses others', () => {
    const read = (output: object) => canonicaliseRuleSet({ defaultOutputs: [output] });
    for (const pipeline of ['a', '0-day_2', 'x'.repeat(63)]) {
      assert.deepEqual(read({ pipeline, collectors: [] }).defaultOutputs, [{ pipeline }]);
    }
    for (const pipeline of ['', 'A', '-a', 'a b', 'x'.repeat(64)]) {
      assert.throws(() => read({ pipeline }), /^.*default_outputs\[0\]\.pipeline: ".*" is no name/);
    }
    const collectors = [{ endpoint: { host: '192.0.2.1' } }];
    assert.throws(() => read({ pipeline: 'a', collectors }), {
      code: 'INVALID_INPUT',
      message:
        /^default_outputs\[0\]\.pipeline: an output names collectors or a pipeline, not both/,
    });
  });

  it('lists at most twenty problems and counts the rest', () => {
    const rules = Array.from({ length: 25 }, () => ({}));
    assert.throws(() => canonicaliseRuleSet({ rules }), /rules\[19\].*; and 5 more$/);
  });

  it('takes an empty message as an empty rule set', () => {
    assert.deepEqual(canonicaliseRuleSet({}), { rules: [], defaultOutputs: [] });
  });

  it('makes equal outputs of different rules one object, however their addresses are spelt', () => {
    const outputs = (...hosts: string[]) =>
      hosts.map((host) => ({ collectors: [{ endpoint: { host, port: 9995 } }] }));
    const rules = [
      { outputs: outputs('2001:db8::1', '192.0.2.1') },
      { outputs: outputs('2001:db8::1', '192.0.2.1') },
      { outputs: outputs('2001:DB8:0::1', '192.0.2.1') },
      { outputs: outputs('192.0.2.1', '2001:db8::1') },
      {
        outputs: [{ collectors: outputs('2001:db8::1', '192.0.2.1').flatMap((o) => o.collectors) }],
      },
    ].map((rule, i) => ({ ...rule, exporter: { endpoint: { host: `198.51.100.${i}` } } }));
    const [first, second, third, turned, one] = canonicaliseRuleSet({ rules }).rules;
    assert.equal(second?.outputs, first?.outputs);
    assert.deepEqual(third?.outputs, first?.outputs);
    assert.deepEqual(turned?.outputs, first?.outputs.toReversed());
    assert.deepEqual(one?.outputs, [{ collectors: first?.outputs.flatMap((o) => o.collectors) }]);
  });

  it('does not take a bad host for a good one that was there before', () => {
    const octets = Uint8Array.of(192, 0, 2, 1);
    for (const host of ['o192,0,2,1', '192,0,2,1', '1h192.0.2.1', '192.0.2.1,']) {
      const endpoints = [
        { octets, port: 1 },
        { host: '192.0.2.1', port: 1 },
        { host, port: 1 },
      ];
      const defaultOutputs = endpoints.map((endpoint) => ({ collectors: [{ endpoint }] }));
      assert.throws(() => canonicaliseRuleSet({ defaultOutputs }), {
        message: `default_outputs[2].collectors[0].endpoint.host: "${host}" is not an IPv4 or IPv6 address (host names and zones are not supported)`,
      });
    }
  });
});

describe('canonicaliseInTurns()', () => {
  it('reads what canonicaliseRuleSet() reads, and lets others run in between', async () => {
    const rules = Array.from({ length: 5000 }, (_, i) => ({
      exporter: { endpoint: { host: `10.0.${i >> 8}.${i & 0xff}` } },
    }));
    let hadTurn = false;
    setImmediate(() => {
      hadTurn = true;
    });
    assert.deepEqual(await canonicaliseInTurns({ rules }), canonicaliseRuleSet({ rules }));
    assert.ok(hadTurn);
    await assert.rejects(canonicaliseInTurns({ rules: [{}] }), /rules\[0\].exporter.endpoint/);
  });
});
