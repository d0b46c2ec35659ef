import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endpoint, rule, ruleSet } from '../../test/support/rule-sets.ts';
import { exporterKey } from '../model/rules.ts';
import { explainMatch } from './explain.ts';

const { rules } = ruleSet(
  [
    '10.0.0.0/8',
    '10.20.0.0/16',
    '10.20.0.0/16:7',
    '10.20.0.1',
    '10.20.0.1:9',
    '10.20.0.1@9995',
    '10.20.0.2',
    '::/0',
  ].map((text) => rule(text)),
);

/** The rule that fires and why, then those that do not, each by its name. */
function told(source: string, listeningPort: number | undefined, setAside: string[] = []) {
  const aside = new Map(
    rules
      .filter(({ exporter }) => setAside.includes(exporterKey(exporter)))
      .map((one) => [one, 'its collector is this host'] as const),
  );
  const question = { source: endpoint(source), listeningPort };
  const { fires, others } = explainMatch(rules, question, aside);
  return [fires, ...others].map(
    (one) => one && `${exporterKey(one.rule.exporter)} [${one.index}] ${one.why}`,
  );
}

test('A60: the rule that fires is told with the others that hold the address, in their order', () => {
  assert.deepEqual(told('10.20.0.1:7', 2055), [
    '10.20.0.1 [3] by its address',
    '10.20.0.1:9 [4] it is of source port 9 alone',
    '10.20.0.1@9995 [5] it is of packets to port 9995 of the proxy alone',
    '10.20.0.0/16:7 [2] the address 10.20.0.1 beats a prefix',
    '10.20.0.0/16 [1] the address 10.20.0.1 beats a prefix',
    '10.0.0.0/8 [0] the address 10.20.0.1 beats a prefix',
  ]);
  assert.deepEqual(told('10.20.0.1:9', 9995), [
    '10.20.0.1:9 [4] by its address and its source port',
    '10.20.0.1@9995 [5] 10.20.0.1:9 names the source port',
    '10.20.0.1 [3] 10.20.0.1:9 names the source port',
    '10.20.0.0/16:7 [2] it is of source port 7 alone',
    '10.20.0.0/16 [1] the address 10.20.0.1 beats a prefix',
    '10.0.0.0/8 [0] the address 10.20.0.1 beats a prefix',
  ]);
  assert.deepEqual(told('10.20.0.1:8', 9995).slice(0, 3), [
    '10.20.0.1@9995 [5] by its address and the listening port',
    '10.20.0.1:9 [4] it is of source port 9 alone',
    '10.20.0.1 [3] 10.20.0.1@9995 names the listening port',
  ]);
});

test('A60: of prefixes the longest is told, and without a source port those that need one do not fire', () => {
  assert.deepEqual(told('10.20.0.9:7', 2055), [
    '10.20.0.0/16:7 [2] by the longest prefix of its address and its source port',
    '10.20.0.0/16 [1] 10.20.0.0/16:7 names the source port',
    '10.0.0.0/8 [0] 10.20.0.0/16:7 is a longer prefix',
  ]);
  assert.deepEqual(told('10.20.0.9', 2055), [
    '10.20.0.0/16 [1] by the longest prefix of its address',
    '10.20.0.0/16:7 [2] it is of source port 7 alone',
    '10.0.0.0/8 [0] 10.20.0.0/16 is a longer prefix',
  ]);
  assert.deepEqual(told('10.21.0.9', 2055), ['10.0.0.0/8 [0] by a prefix of its address']);
  assert.deepEqual(told('2001:db8::1', 2055), ['::/0 [7] by the prefix of all IPv6 addresses']);
  assert.deepEqual(told('192.0.2.1:1', 2055), [undefined]);
});

test('A60, V8: a rule that is set aside does not fire, and says why', () => {
  assert.deepEqual(told('10.20.0.2', undefined, ['10.20.0.2']).slice(0, 2), [
    '10.20.0.0/16 [1] by the longest prefix of its address',
    '10.20.0.2 [6] it is set aside: its collector is this host',
  ]);
});
