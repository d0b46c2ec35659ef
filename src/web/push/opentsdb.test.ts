import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatBodies, formatPuts } from './opentsdb.ts';

/** What OpenTSDB takes in one request unless chunks are allowed. */
const MAX_BYTES = 4096;

const BATCH = {
  epochSeconds: 1_700_000_000,
  host: 'node1',
  points: Array.from({ length: 100 }, (_, i) => ({
    metric: 'floxy_exporter_sent_packets_total',
    tags: { exporter: `[2001:db8::${i}]:2055`, collector: 'ü'.repeat(20), pipeline: '' },
    value: i,
  })),
};

test('S33: a request to OpenTSDB is no longer than it takes, and none is without need', () => {
  const bodies = [...formatBodies(BATCH)];
  for (const body of bodies) assert.ok(Buffer.byteLength(body) <= MAX_BYTES);
  const points = bodies.flatMap((body) => JSON.parse(body) as { value: number; tags: object }[]);
  assert.deepEqual(
    points.map(({ value }) => value),
    BATCH.points.map(({ value }) => value),
  );
  assert.ok(bodies.length < 10);
  assert.deepEqual(Object.keys(points[0]?.tags ?? {}), ['host', 'exporter', 'collector']);
});

test('S33: a line of OpenTSDB has no empty tags, and no signs that it does not take', () => {
  const [line] = formatPuts(BATCH).split('\n');
  const start = 'put floxy_exporter_sent_packets_total 1700000000 0 host=node1';
  assert.equal(line, `${start} exporter=_2001_db8__0__2055 collector=${'ü'.repeat(20)}`);
});
