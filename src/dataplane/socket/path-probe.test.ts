import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { PathProbe } from './path-probe.ts';

test('the rules of test datagrams are the same ones each time: by them the publisher knows a table that it can edit', async (t) => {
  const listen = { octets: Uint8Array.of(127, 0, 0, 1), port: 2055 };
  const probe = new PathProbe({
    listen,
    listeners: [listen],
    intervalMs: 1000,
    traffic: () => [],
    log: pino({ level: 'silent' }),
  });
  t.after(() => probe.stop());
  assert.deepEqual(probe.rules(), []);
  await probe.open(16);
  const rules = probe.rules();
  assert.equal(rules.length, 16);
  assert.ok(probe.rules().every((rule, i) => rule === rules[i]));
});
