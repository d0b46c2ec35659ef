import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatEndpoint } from '../model/endpoint.ts';
import { canonicaliseExporters, canonicaliseRuleSet } from './canonicalise.ts';
import type { EndpointInput } from './input.ts';

function canonical(endpoint: EndpointInput): string {
  const [exporter] = canonicaliseExporters([{ endpoint }], 'exporters');
  return exporter === undefined ? '' : formatEndpoint(exporter);
}

describe('canonicaliseExporters()', () => {
  const accepted: readonly [string, EndpointInput, string][] = [
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

  const refused: readonly [string, EndpointInput, RegExp][] = [
    ['E1: a host name', { host: 'router.example' }, /^exporters\[0\]\.endpoint\.host: "router/],
    ['E1: a zone', { host: 'fe80::1%eth0' }, /endpoint\.host/],
    ['E1: an empty host', { host: '' }, /endpoint\.host/],
    ['E1: octets of another length', { octets: new Uint8Array(5) }, /endpoint\.octets: 5 bytes/],
    ['E1: no address', { port: 1 }, /endpoint: host or octets is needed/],
    ['E3: port 65536', { host: '192.0.2.1', port: 65536 }, /endpoint\.port: 65536 is not within/],
  ];
  for (const [name, endpoint, message] of refused) {
    it(`${name} is refused`, () => {
      assert.throws(() => canonical(endpoint), { code: 'INVALID_INPUT', message });
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

  it('lists at most twenty problems and counts the rest', () => {
    const rules = Array.from({ length: 25 }, () => ({}));
    assert.throws(() => canonicaliseRuleSet({ rules }), /rules\[19\].*; and 5 more$/);
  });

  it('takes an empty message as an empty rule set', () => {
    assert.deepEqual(canonicaliseRuleSet({}), { rules: [], defaultOutputs: [] });
  });
});
