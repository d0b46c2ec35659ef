import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endpoint } from '../../test/support/rule-sets.ts';
import { type CollectorOutput, makeCollector } from '../model/rules.ts';
import { COLLECTOR, TABLE } from './layout.ts';
import { outputRows } from './rows.ts';

const ALL = TABLE.COLLECTOR_TEMPLATES | TABLE.COLLECTOR_TEMPLATES_ALL;

/** Flags and groups of the rows of an output with collectors of both families. */
function rowsOf(
  options: Omit<CollectorOutput, 'collectors'>,
  hosts = ['192.0.2.1', '2001:db8::9', '2001:db8::8'],
) {
  const collectors = hosts.map((host) => makeCollector(endpoint(host)));
  const names = { pipelines: new Map<string, number>(), down: new Set<string>() };
  const destinations = { listenPort: 2055, ...names };
  const { collectors: words } = outputRows({ collectors, ...options }, destinations, false);
  return hosts.map((_, i) => [
    (words[i * COLLECTOR.WORDS + COLLECTOR.FLAGS] as number) & ALL,
    words[i * COLLECTOR.WORDS + COLLECTOR.GROUP],
  ]);
}

test('R23: collectors that take turns share templates, those of both families for IPv4 packets', () => {
  const group = (place: number) => (2 << 16) | (3 << 8) | place;
  const shared = [0, 1, 2].map((place) => [ALL, group(place)]);
  assert.deepEqual(rowsOf({}), shared);
  assert.deepEqual(rowsOf({ balance: 'BY_EXPORTER', templates: 'ALL' }), shared);
});

test('R23: nothing is looked at with one collector, or with ONE', () => {
  assert.deepEqual(rowsOf({}, ['192.0.2.1']), [[0, 0]]);
  assert.deepEqual(
    rowsOf({ templates: 'ONE' }).map(([flags]) => flags),
    [0, 0, 0],
  );
  assert.deepEqual(
    rowsOf({ balance: 'BY_ENDPOINT', templates: 'ONE' }).map(([flags]) => flags),
    [0, 0, 0],
  );
});

test('R24: a collector that an exporter is moved to is told, where each exporter has its own', () => {
  for (const balance of ['BY_EXPORTER', 'BY_ENDPOINT'] as const) {
    assert.deepEqual(
      rowsOf({ balance }).map(([flags]) => flags),
      [0, 1, 2].map(() => TABLE.COLLECTOR_TEMPLATES),
    );
  }
});
