import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endpoint, rule, ruleSet } from '../../test/support/rule-sets.ts';
import { exporterKey } from '../model/rules.ts';
import { RuleFinder } from './rule-finder.ts';

const SET = ruleSet(
  [
    '192.0.2.1',
    '192.0.2.1:7',
    '192.0.2.1@9995',
    '192.0.2.1:7@9995',
    '192.0.2.0/24:7',
    '192.0.2.0/24@9995',
    '192.0.2.0/24',
    '192.0.0.0/16',
    '0.0.0.0/0@9995',
    '2001:db8::/32',
    '[::/0]:7',
  ].map((text) => rule(text)),
);
const FINDER = new RuleFinder(
  SET,
  new Map(SET.rules.map((one) => [exporterKey(one.exporter), one])),
);

for (const [source, listening, expected] of [
  [
    '192.0.2.1:7',
    9995,
    '192.0.2.1:7@9995 192.0.2.1:7 192.0.2.1@9995 192.0.2.1 192.0.2.0/24:7 192.0.2.0/24@9995 192.0.2.0/24 192.0.0.0/16 0.0.0.0/0@9995',
  ],
  ['192.0.2.1:8', 2055, '192.0.2.1 192.0.2.0/24 192.0.0.0/16'],
  ['192.0.2.9:7', 2055, '192.0.2.0/24:7 192.0.2.0/24 192.0.0.0/16'],
  ['192.0.2.9:8', undefined, '192.0.2.0/24@9995 192.0.2.0/24 192.0.0.0/16 0.0.0.0/0@9995'],
  ['192.0.3.1:7', 9995, '192.0.0.0/16 0.0.0.0/0@9995'],
  ['198.51.100.1:7', 2055, ''],
  ['[2001:db8::1]:7', 2055, '2001:db8::/32 [::/0]:7'],
  ['[2001:db9::1]:8', 9995, ''],
] as const) {
  test(`R18, R19: rules that can take a packet of ${source} to port ${listening ?? 'unknown'}, in order`, () => {
    const found = FINDER.find(endpoint(source), listening);
    const names = expected === '' ? [] : expected.split(' ');
    assert.deepEqual(
      found.map((one) => exporterKey(one.exporter)),
      names,
    );
  });
}
