import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  endpoint,
  exporter,
  host,
  outputs,
  pipelineOutputs,
  rule,
  ruleSet,
} from '../../test/support/rule-sets.ts';
import { type Collector, makeCollector, type Output, type Rule } from '../model/rules.ts';
import { checkLimits, validateRules } from './validate.ts';

const HOST = host(['192.0.2.99', '127.0.0.1', '2001:db8::99'], ['192.0.2.255']);

function refuses(name: string, rules: Rule[], message: RegExp, defaults: Output[] = []): void {
  it(`${name} is refused`, () => {
    assert.throws(() => validateRules(rules, defaults, HOST), { code: 'INVALID_INPUT', message });
  });
}

function accepts(name: string, rules: Rule[], defaults: Output[] = []): void {
  it(`${name} is accepted`, () => validateRules(rules, defaults, HOST));
}

describe('validateRules()', () => {
  refuses(
    'V1: a second rule for an exporter endpoint',
    [rule('192.0.2.1:1'), rule('192.0.2.2'), rule('192.0.2.1:1')],
    /^rules\[2\]\.exporter\.endpoint: exporter 192\.0\.2\.1:1 has a rule already, rules\[0\]$/,
  );
  accepts('V1: rules for an address and for its ports', [
    rule('192.0.2.1'),
    rule('192.0.2.1:1'),
    rule('192.0.2.1:2'),
  ]);

  refuses(
    'V1: a second rule for a prefix and listening port',
    [rule('10.0.0.0/8@7'), rule('10.0.0.0/8@7')],
    /^rules\[1\]\.exporter\.endpoint: exporter 10\.0\.0\.0\/8@7 has a rule already, rules\[0\]$/,
  );
  accepts('V1: rules for an address, prefixes of it, and listening ports', [
    rule('10.0.0.0'),
    rule('10.0.0.0/8'),
    rule('10.0.0.0/9'),
    rule('10.0.0.0/8:7'),
    rule('10.0.0.0/8@7'),
    rule('10.0.0.0@7'),
  ]);

  refuses(
    'V3: an IPv4 collector for an IPv6 prefix',
    [rule('2001:db8::/32', ['192.0.2.5'])],
    /collectors\[0\]\.endpoint: IPv4 collector 192\.0\.2\.5 can .* exporter 2001:db8::\/32$/,
  );
  refuses(
    'V11: a multicast prefix',
    [rule('224.0.0.0/4')],
    /^rules\[0\]\.exporter\.endpoint: 224\.0\.0\.0\/4 is a multicast prefix$/,
  );
  accepts('V11: prefixes of all addresses', [rule('0.0.0.0/0'), rule('::/0'), rule('0.0.0.0/8')]);

  refuses(
    'V2: a collector twice in an output',
    [rule('192.0.2.1', ['192.0.2.5:1', '192.0.2.6:1', '192.0.2.5:1'])],
    /^rules\[0\]\.outputs\[0\]\.collectors\[2\]\.endpoint: 192\.0\.2\.5:1 is collectors\[0\]/,
  );
  accepts('V2: two ports of one address are two collectors', [
    rule('192.0.2.1', ['192.0.2.5', '192.0.2.5:1', '192.0.2.5:2']),
  ]);
  accepts('V2: a collector in two outputs', [rule('192.0.2.1', ['192.0.2.5:1'], ['192.0.2.5:1'])]);

  refuses(
    'V3: an IPv4 collector for an IPv6 exporter',
    [rule('2001:db8::1', ['2001:db8::5', '192.0.2.5'])],
    /^rules\[0\]\.outputs\[0\]\.collectors\[1\]\.endpoint: IPv4 collector 192\.0\.2\.5 can never/,
  );
  accepts('V3: an IPv6 collector for an IPv4 exporter', [rule('192.0.2.1', ['2001:db8::5'])]);
  accepts('V3: both families in default outputs', [], outputs(['2001:db8::5', '192.0.2.5']));

  const leaving = (to: string, way: Partial<Collector>): Output[] => [
    { collectors: [{ ...makeCollector(endpoint(to)), ...way }] },
  ];
  const from = (host: string) => ({ sourceEndpoint: endpoint(host) });
  const prefix = { ipv4SourcePrefix: new Uint8Array(12) };
  const PROXY = { source: 'PROXY' } as const;
  for (const way of [PROXY, from('192.0.2.9')]) {
    const toIpv4 = { ...rule('2001:db8::1'), outputs: leaving('192.0.2.5', way) };
    accepts(`V3: an IPv4 collector that gets another source: ${Object.keys(way)}`, [toIpv4]);
  }
  for (const [what, outputs, message] of [
    [
      'two sources',
      leaving('192.0.2.5', { ...PROXY, ...from('192.0.2.9') }),
      /source_endpoint: .* leave one/,
    ],
    [
      'an unspecified source',
      leaving('192.0.2.5', from('0.0.0.0')),
      /source_endpoint: .* unspecified/,
    ],
    [
      'a multicast source',
      leaving('2001:db8::5', from('ff02::1')),
      /source_endpoint: .* multicast/,
    ],
    [
      'a broadcast source',
      leaving('192.0.2.5', from('192.0.2.255')),
      /source_endpoint: .* broadcast/,
    ],
    [
      'a link-local source',
      leaving('2001:db8::5', from('fe80::1')),
      /source_endpoint: .* link-local/,
    ],
    [
      'an IPv6 source for IPv4',
      leaving('192.0.2.5', from('2001:db8::9')),
      /source_endpoint: .* IPv6/,
    ],
    ['a prefix for IPv4', leaving('192.0.2.5', prefix), /ipv4_source_prefix: .* IPv4 collector/],
    [
      'a prefix for the proxy',
      leaving('2001:db8::5', { ...prefix, ...PROXY }),
      /ipv4_source_prefix: /,
    ],
  ] as const) {
    const place = /^default_outputs\[0\]\.collectors\[0\]\./.source;
    refuses(`V13: ${what}`, [], new RegExp(place + message.source), outputs);
  }
  accepts(
    'V13: an IPv4 source for an IPv6 collector',
    [],
    leaving('2001:db8::5', from('192.0.2.9')),
  );
  accepts(
    'V13: a prefix for IPv6',
    [],
    leaving('2001:db8::5', { ...prefix, hopLimit: 9, dscp: 63 }),
  );

  const self = /^rules\[0\]\.outputs\[0\]\.collectors\[0\]\.endpoint: .* is the proxy itself/;
  refuses(
    'V4: a local address with the listening port',
    [rule('192.0.2.1', ['127.0.0.1:2055'])],
    self,
  );
  refuses('V4: a local address without port', [rule('192.0.2.1', ['[2001:db8::99]'])], self);
  refuses(
    'V4: the proxy in default outputs',
    [],
    /^default_outputs\[0\]\.collectors\[0\]\.endpoint: .* is the proxy itself/,
    outputs(['192.0.2.99']),
  );
  accepts('V4: a local address with another port', [rule('192.0.2.1', ['127.0.0.1:9995'])]);

  for (const [kind, address] of [
    ['an unspecified', '0.0.0.0'],
    ['an unspecified', '[::]'],
    ['a multicast', '224.0.0.1'],
    ['a multicast', '239.255.255.255'],
    ['a multicast', 'ff02::1'],
    ['a broadcast', '255.255.255.255'],
    ['a broadcast', '192.0.2.255'],
  ] as const) {
    const message = new RegExp(`is ${kind} address`);
    refuses(`V5: ${kind} collector ${address}`, [rule('192.0.2.1', [address])], message);
    refuses(`V5: ${kind} exporter ${address}`, [rule(address)], message);
  }

  refuses(
    'V5: a link-local IPv6 collector',
    [rule('192.0.2.1', ['2001:db8::5', '[fe80::5]:9995'])],
    /^rules\[0\]\.outputs\[0\]\.collectors\[1\]\.endpoint: fe80::5 is a link-local address/,
  );
  refuses(
    'V5: a link-local IPv6 collector in default outputs',
    [],
    /^default_outputs\[0\]\.collectors\[0\]\.endpoint: febf::1 is a link-local address/,
    outputs(['febf::1']),
  );
  accepts('V5: collectors that are on one network whatever the interface', [
    rule('192.0.2.1', ['169.254.1.1', '127.0.0.2:1', '[::1]:1', 'fec0::1', 'fe7f::1']),
  ]);
  accepts('V5: a link-local exporter, whose packets are dropped', [rule('fe80::1')]);

  accepts('V7: a rule without outputs', [rule('192.0.2.1')]);
  refuses(
    'V7: an output without collectors',
    [rule('192.0.2.1', [])],
    /an output needs a collector/,
  );

  const many = (count: number) => Array.from({ length: count }, (_, i) => `192.0.2.7:${i + 1}`);
  accepts('V6: 32 outputs of 64 collectors', [
    rule('192.0.2.1', ...Array.from({ length: 32 }, () => many(64))),
  ]);
  for (const [name, bad, message] of [
    ['33 outputs', rule('192.0.2.1', ...many(33).map((c) => [c])), /outputs: 33, the limit is 32/],
    ['65 collectors', rule('192.0.2.1', many(65)), /collectors: 65, the limit is 64/],
  ] as const) {
    it(`V6: ${name} are refused with the limit`, () => {
      assert.throws(() => validateRules([bad], [], HOST), { code: 'LIMIT_EXCEEDED', message });
    });
  }

  it('V6: rules, outputs and collectors together are limited too', () => {
    const full = rule('192.0.2.1', ...Array.from({ length: 32 }, () => many(64)));
    const rules = Array.from({ length: 1922 }, (_, i) => ({
      ...full,
      exporter: exporter(`192.0.2.1:${i + 1}`),
    }));
    assert.throws(() => validateRules([...rules, full], [], HOST), {
      code: 'LIMIT_EXCEEDED',
      message: /rules, outputs and collectors together: 4001763, the limit is 4000000$/,
    });
    validateRules(rules, [], HOST);
  });

  it('names the places of outputs that several rules have in common once for each', () => {
    const bad = rule('192.0.2.1', ['224.0.0.1']);
    const rules = [bad, { ...bad, exporter: exporter('192.0.2.2') }];
    assert.throws(
      () => validateRules(rules, [], HOST),
      /: rules\[0\]\.outputs\[0\].*; rules\[1\]\.outputs\[0\]/,
    );
  });

  it('names every bad place at once', () => {
    const rules = [rule('0.0.0.0'), rule('192.0.2.1', ['224.0.0.1', '224.0.0.1'])];
    assert.throws(
      () => validateRules(rules, [], HOST),
      /rules\[0\].*rules\[1\].*collectors\[1\].*; /,
    );
  });

  const named = (...names: string[]): Rule => ({
    ...rule('192.0.2.1'),
    outputs: pipelineOutputs(...names),
  });
  refuses(
    'V10: a pipeline in two outputs of a rule',
    [named('a', 'b', 'a')],
    /^rules\[0\]\.outputs\[2\]\.pipeline: pipeline a is that of outputs\[0\] already$/,
  );
  accepts(
    'R17: pipelines, also beside collectors',
    [named('a', 'b')],
    [...outputs(['192.0.2.5']), ...pipelineOutputs('a')],
  );
  it('V10: 33 different pipelines are refused', () => {
    const names = Array.from({ length: 33 }, (_, i) => `p${i}`);
    const rules = names.map((name, i) => ({
      ...rule(`192.0.2.${i + 1}`),
      outputs: pipelineOutputs(name),
    }));
    checkLimits(ruleSet(rules.slice(1), pipelineOutputs('p1')));
    assert.throws(() => checkLimits(ruleSet(rules)), {
      code: 'LIMIT_EXCEEDED',
      message: 'rules: different pipelines that outputs name: 33, the limit is 32',
    });
  });
});
