import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeDecodeCounters, ProtocolCounts } from './counters.ts';
import { SequenceWatch } from './sequence-watch.ts';

type Step = readonly [sequence: number, records: number, sysUptime?: number];

/** What is counted when a session sends so, a second between each of them. */
function watch(version: 5 | 9 | 10, steps: readonly Step[]) {
  const counts = new ProtocolCounts(makeDecodeCounters(), 'ipfix');
  const sequences = new SequenceWatch(version);
  for (const [i, [sequence, records, sysUptime = 0]] of steps.entries()) {
    sequences.see(counts, { sequence, sysUptime, receivedMs: i * 1000 }, records);
  }
  sequences.close(counts);
  const said = { lost: counts.get('lostBeforeUs'), gaps: counts.get('sequenceGaps') };
  return { ...said, late: counts.get('outOfOrder'), restarts: counts.get('restarts') };
}

const NOTHING = { lost: 0, gaps: 0, late: 0, restarts: 0 };

test('v9 counts datagrams, IPFIX and v5 records: also around 2^32', () => {
  assert.deepEqual(
    watch(9, [
      [2 ** 32 - 1, 30],
      [0, 20],
      [1, 5],
    ]),
    NOTHING,
  );
  assert.deepEqual(
    watch(10, [
      [2 ** 32 - 10, 30],
      [20, 20],
      [40, 0],
      [40, 1],
    ]),
    NOTHING,
  );
  assert.deepEqual(
    watch(5, [
      [0, 30],
      [30, 30],
      [60, 7],
    ]),
    NOTHING,
  );
});

test('what is missing is lost, in what the protocol counts', () => {
  assert.deepEqual(
    watch(9, [
      [1, 30],
      [4, 30],
      [5, 30],
    ]),
    { ...NOTHING, lost: 2, gaps: 1 },
  );
  assert.deepEqual(
    watch(10, [
      [0, 30],
      [90, 30],
      [120, 30],
    ]),
    { ...NOTHING, lost: 60, gaps: 1 },
  );
});

test('a datagram that comes late has not been lost', () => {
  assert.deepEqual(
    watch(10, [
      [0, 30],
      [60, 30],
      [30, 30],
      [90, 30],
    ]),
    { ...NOTHING, late: 1 },
  );
  assert.deepEqual(
    watch(9, [
      [1, 9],
      [3, 9],
      [4, 9],
      [2, 9],
      [5, 9],
    ]),
    { ...NOTHING, late: 1 },
  );
});

test('one that comes twice is late, and nothing is lost', () => {
  assert.deepEqual(
    watch(10, [
      [0, 30],
      [0, 30],
      [30, 30],
      [30, 30],
      [60, 1],
    ]),
    { ...NOTHING, late: 2 },
  );
});

test('a restart is no loss: by uptime, by an impossible jump, or because all are late', () => {
  assert.deepEqual(
    watch(9, [
      [1000, 1, 900_000],
      [0, 1, 500],
      [1, 1, 1500],
    ]),
    { ...NOTHING, restarts: 1 },
  );
  assert.deepEqual(
    watch(10, [
      [4_000_000_000, 5],
      [0, 5],
      [5, 5],
    ]),
    { ...NOTHING, restarts: 1 },
  );
  const again = Array.from({ length: 50 }, (_, i): Step => [i * 5, 5]);
  const { lost, restarts } = watch(10, [[10_000, 5], ...again]);
  assert.deepEqual({ lost, restarts }, { lost: 0, restarts: 1 });
});

test('an uptime that wraps after 49 days is no restart', () => {
  assert.deepEqual(
    watch(9, [
      [1, 1, 2 ** 32 - 100],
      [2, 1, 900],
      [3, 1, 1900],
    ]),
    NOTHING,
  );
});

test('exporters of IPFIX that count datagrams, or the records of the message too, have lost nothing', () => {
  const records = Array.from({ length: 60 }, (_, i) => (i * 7) % 5);
  assert.deepEqual(
    watch(
      10,
      records.map((count, i): Step => [500 + i, count]),
    ),
    NOTHING,
  );
  const upTo = (end: number) => records.slice(0, end).reduce((sum, count) => sum + count, 500);
  const counted = records.map((count, i): Step => [upTo(i + 1), count]);
  const { lost, restarts } = watch(10, counted);
  assert.deepEqual({ lost, restarts }, { lost: 0, restarts: 0 });
});

test('where records cannot be counted, nothing is said of the next one', () => {
  assert.deepEqual(
    watch(10, [
      [0, 30],
      [30, -1],
      [75, 5],
      [80, 1],
    ]),
    NOTHING,
  );
});

test('of an exporter that does not count nothing is said', () => {
  const { lost, restarts, late } = watch(
    10,
    Array.from({ length: 200 }, (): Step => [0, 3]),
  );
  assert.deepEqual({ lost, restarts }, { lost: 0, restarts: 0 });
  assert.ok(late < 5);
});
