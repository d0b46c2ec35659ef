import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { host } from '../../test/support/rule-sets.ts';
import { MAX_FILTERS } from '../model/limits.ts';
import { canonicaliseRuleSet } from './canonicalise.ts';
import { validateRules } from './validate.ts';

const collectors = [{ endpoint: { host: '192.0.2.9', port: 5 } }];

/** Reads and checks a rule of one output. */
function check(output: object, exporter: object = {}): void {
  const { rules } = canonicaliseRuleSet({
    rules: [
      {
        exporter: { endpoint: { host: '192.0.2.1' }, ...exporter },
        outputs: [{ collectors, ...output }],
      },
    ],
  });
  validateRules(rules, [], host());
}

function refused(output: object, path: string, message: RegExp): void {
  const whole = new RegExp(
    `^rules\\[0\\]\\.outputs\\[0\\]${path.replaceAll(/[[\].]/g, '\\$&')}: ${message.source}`,
  );
  assert.throws(() => check(output), { code: 'INVALID_INPUT', message: whole });
}

const agents = [{ host: '192.0.2.7' }, { host: '2001:db8::7' }];
const numbers = (count: number) => Array.from({ length: count }, (_, i) => i + 1);

describe('V12: filters and sampling', () => {
  it('are taken when a packet can match', () => {
    for (const filter of [
      { protocols: ['OTHER'] },
      { protocols: ['NETFLOW_V5', 'NETFLOW_V9'], observationDomains: [0, 2 ** 32 - 1] },
      { observationDomains: numbers(64) },
      { protocols: ['SFLOW_V5', 'IPFIX'], agents },
      { agents, listeningPorts: [1, 65_535] },
    ]) {
      check({ filter });
    }
    for (const sampleOneIn of [1, 2, 1_000_000]) check({ sampleOneIn });
  });

  it('are refused when they make no sense, by place', () => {
    for (const sampleOneIn of [0, 1_000_001, 1.5]) {
      refused({ sampleOneIn }, '.sample_one_in', /[\d.]+ is not within 1 to 1000000/);
    }
    refused({ filter: {} }, '.filter', /an empty filter lets all packets through: leave it out/);
    refused(
      { filter: { protocols: ['SFLOW'] } },
      '.filter.protocols[0]',
      /SFLOW is none of OTHER, /,
    );
    const twice = { protocols: ['IPFIX', 'OTHER', 'IPFIX'] };
    refused({ filter: twice }, '.filter.protocols[2]', /IPFIX is protocols\[0\] already/);
    const many = { listeningPorts: numbers(65) };
    refused({ filter: many }, '.filter.listening_ports', /65 values, the limit is 64/);
    const port = { agents: [{ host: '192.0.2.7', port: 6343 }] };
    refused({ filter: port }, '.filter.agents[0].port', /an agent is an address without port/);
    refused(
      { filter: { listeningPorts: [0] } },
      '.filter.listening_ports[0]',
      /0 is not within 1 to 65535/,
    );
    const mapped = { agents: [{ host: '192.0.2.7' }, { host: '::ffff:192.0.2.7' }] };
    refused({ filter: mapped }, '.filter.agents[1]', /192\.0\.2\.7 is agents\[0\] already/);
  });

  it('are refused when no packet can match', () => {
    const domains = { protocols: ['NETFLOW_V5', 'SFLOW_V5'], observationDomains: [1] };
    refused(
      { filter: domains },
      '.filter.observation_domains',
      /no packet has one but of NETFLOW_V9 and IPFIX/,
    );
    const agent = { protocols: ['IPFIX'], agents };
    refused({ filter: agent }, '.filter.agents', /no packet has one but of SFLOW_V5/);
    const both = { observationDomains: [1], agents };
    refused({ filter: both }, '.filter.agents', /no packet has an observation domain and an agent/);
  });

  it('are refused when they ask for another port than the rule does', () => {
    const filter = { listeningPorts: [2055, 6343] };
    const exporter = { listeningPort: 9995 };
    const message =
      /outputs\[0\]\.filter\.listening_ports: no packet can match: those of this rule come to port 9995/;
    assert.throws(() => check({ filter }, exporter), { code: 'INVALID_INPUT', message });
  });

  it('are refused when there are too many different ones', () => {
    const set = (count: number) =>
      canonicaliseRuleSet({
        rules: Array.from({ length: count }, (_, i) => ({
          exporter: { endpoint: { host: `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}` } },
          outputs: [{ collectors, filter: { observationDomains: [i] } }],
        })),
      });
    validateRules(set(MAX_FILTERS).rules, [], host());
    const message = /different filters: 65537, the limit is 65536/;
    assert.throws(() => validateRules(set(MAX_FILTERS + 1).rules, [], host()), {
      code: 'LIMIT_EXCEEDED',
      message,
    });
  });
});
