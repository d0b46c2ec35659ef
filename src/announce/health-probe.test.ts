import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startApi } from '../../test/api/harness.ts';
import { HealthProbe } from './health-probe.ts';

function probe(target: string, isWellWithoutRules = false) {
  const made = new HealthProbe({ target, tls: undefined }, { timeoutMs: 5000, isWellWithoutRules });
  return Object.assign(made, { [Symbol.dispose]: () => made.close() });
}

test('a node that never had rules is not well, and the reason says what to do', async () => {
  await using api = await startApi();
  using strict = probe(api.address);
  using lenient = probe(api.address, true);
  const { isGood, reason } = await strict.check();
  assert.equal(isGood, false);
  assert.match(reason, /never had rules.*COLLECTOR_ANNOUNCE_WITHOUT_RULES=yes/);
  assert.deepEqual(await lenient.check(), { isGood: true, reason: 'SERVING' });
  api.control.revision = 1;
  assert.deepEqual(await strict.check(), { isGood: true, reason: 'SERVING' });
});

test('a node that is not well is not well by either measure', async () => {
  await using api = await startApi();
  api.control.revision = 1;
  api.control.state = 'Configuring';
  using strict = probe(api.address);
  assert.deepEqual(await strict.check(), { isGood: false, reason: 'NOT_SERVING' });
});

test('a node that is not there is told by what the system says', async () => {
  using nobody = probe('127.0.0.1:9');
  const { isGood, reason } = await nobody.check();
  assert.equal(isGood, false);
  assert.match(reason, /^UNAVAILABLE: .*ECONNREFUSED/);
});
