import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Borders, startedControl } from '../../test/support/borders.ts';
import { endpoint, rule, ruleSet } from '../../test/support/rule-sets.ts';
import { formatEndpoint } from '../model/endpoint.ts';
import type { SeenExporter } from '../model/exporter-status.ts';
import { exporterKey } from '../model/rules.ts';

const MINUTE_MS = 60_000;

function seen(text: string, agoMs: number): SeenExporter {
  const at = new Date(Date.now() - agoMs);
  return {
    endpoint: endpoint(text),
    received: { packets: 1n, bytes: 10n },
    protocol: 'IPFIX',
    protocols: ['IPFIX'],
    missed: [],
    firstSeen: at,
    lastSeen: at,
    truncated: 0n,
    lost: 0n,
  };
}

async function report(exporters: readonly SeenExporter[], forgotten = 0n, since = new Date(0)) {
  const borders = new Borders();
  borders.seen = { since, exporters, forgotten };
  borders.inputs.set('192.0.2.3', { packets: 5n, bytes: 50n });
  const control = await startedControl(borders);
  const rules = ['192.0.2.1', '192.0.2.1:7', '192.0.2.2', '192.0.2.3', '2001:db8::1'];
  await control.change({
    kind: 'replace',
    ruleSet: ruleSet(rules.map((text) => rule(text))),
  });
  return await control.exporters(10 * MINUTE_MS);
}

test('S24: each exporter is told with the rule that handles its packets now', async () => {
  const texts = ['192.0.2.1:7', '192.0.2.1:8', '192.0.2.9:7', '[2001:db8::1]:1', '192.0.2.2'];
  const { seen: all } = await report(texts.map((text) => seen(text, 0)));
  const rules = all.map(({ endpoint: one, rule: of }) => [
    formatEndpoint(one),
    of && exporterKey(of),
  ]);
  assert.deepEqual(rules, [
    ['192.0.2.1:7', '192.0.2.1:7'],
    ['192.0.2.1:8', '192.0.2.1'],
    ['192.0.2.9:7', undefined],
    ['[2001:db8::1]:1', '2001:db8::1'],
    // A source port of 0.
    ['192.0.2.2', '192.0.2.2'],
  ]);
});

test('S24: a rule is silent when none of its ports has sent for long, or nothing ever came', async () => {
  const recent = 5 * MINUTE_MS;
  const old = 11 * MINUTE_MS;
  const { silent } = await report([
    seen('192.0.2.1:8', old),
    seen('192.0.2.1:9', recent),
    seen('192.0.2.2:1', old),
    seen('192.0.2.2:2', 2 * old),
  ]);
  const names = silent.map(({ exporter }) => exporterKey(exporter));
  assert.deepEqual(names, ['192.0.2.1:7', '192.0.2.2', '192.0.2.3', '2001:db8::1']);
  const [, second, third] = silent;
  const ago = Date.now() - (second?.lastSeen?.getTime() ?? 0);
  assert.equal(Math.round(ago / MINUTE_MS), 11);
  assert.equal(third?.lastSeen, undefined);
});

test('S24: what had to make room is not called silent when its rule has counted packets', async () => {
  const { silent, forgotten } = await report([], 3n);
  assert.equal(forgotten, 3n);
  assert.ok(!silent.some(({ exporter }) => exporterKey(exporter) === '192.0.2.3'));
  assert.ok(silent.some(({ exporter }) => exporterKey(exporter) === '192.0.2.2'));
});

test('S24: nothing is silent that had no time to send', async () => {
  const { silent } = await report([], 0n, new Date(Date.now() - MINUTE_MS));
  assert.deepEqual(silent, []);
});
