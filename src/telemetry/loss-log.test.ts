import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { NO_COUNTS } from '../../test/support/counters.ts';
import { FORWARDER_COUNTERS } from './catalogue.ts';
import { LossLog } from './loss-log.ts';
import type { ForwarderCounters, ForwarderStatus } from './status.ts';

interface Line {
  readonly kind: string;
  readonly packets: string;
  readonly total: string;
  readonly advice: string;
}

function makeLog(): { losses: LossLog; lines: Line[] } {
  const lines: Line[] = [];
  const log = pino({ base: null }, { write: (text) => void lines.push(JSON.parse(text)) });
  return { losses: new LossLog(log), lines };
}

function forwarder(counts: Partial<ForwarderCounters>): ForwarderStatus {
  return { index: 0, restarts: 0, ...NO_COUNTS, ...counts };
}

test('every loss of the catalogue is logged with what helps, once, and again when it has grown', () => {
  const { losses, lines } = makeLog();
  const lossy = FORWARDER_COUNTERS.filter((row) => 'loss' in row);
  const counts = (count: bigint) =>
    forwarder(
      Object.fromEntries(
        lossy.map(({ key, kind }) => [key, kind === 'count' ? count : [{ code: 'EIO', count }]]),
      ),
    );
  losses.report([counts(2n), counts(3n)]);
  const expected = lossy.map(({ kind, loss, advice }) => {
    return { kind: kind === 'count' ? loss : `${loss} EIO`, packets: '5', total: '5', advice };
  });
  const seen = lines.map(({ kind, packets, total, advice }) => ({ kind, packets, total, advice }));
  assert.deepEqual(seen, expected);
  losses.report([counts(2n), counts(3n)]);
  assert.equal(lines.length, lossy.length);
  losses.report([counts(4n), counts(3n)]);
  assert.deepEqual(
    lines.slice(lossy.length).map(({ packets, total }) => [packets, total]),
    lossy.map(() => ['2', '7']),
  );
});

test('drops that the rules want, and packets that went well, are no losses', () => {
  const { losses, lines } = makeLog();
  const traffic = { packets: 9n, bytes: 9n };
  losses.report([forwarder({ droppedByRule: 9n, fragments: 9n, received: traffic })]);
  assert.deepEqual(lines, []);
});

test('losses that an earlier control has seen are not logged as new', () => {
  const { losses, lines } = makeLog();
  const before = forwarder({ truncated: 7n, sendErrors: [{ code: 'EPERM', count: 3n }] });
  losses.skip([before]);
  losses.report([before]);
  assert.deepEqual(lines, []);
  losses.report([{ ...before, truncated: 9n }]);
  assert.deepEqual(
    lines.map(({ kind, packets, total }) => [kind, packets, total]),
    [['truncated', '2', '9']],
  );
});
