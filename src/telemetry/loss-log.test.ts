import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { NO_COUNTS } from '../../test/support/counters.ts';
import { endpoint } from '../../test/support/rule-sets.ts';
import type { SendLoss } from '../model/collector-status.ts';
import { FORWARDER_COUNTERS } from './catalogue.ts';
import { LossLog, type LossNotes } from './loss-log.ts';
import type { ForwarderCounters, ForwarderStatus } from './status.ts';

interface Line {
  readonly kind: string;
  readonly packets: string;
  readonly total: string;
  readonly advice: string;
  readonly collectors?: string;
  readonly exporters?: string;
}

const NO_NOTES: LossNotes = { sendLosses: () => [], newEvents: () => [] };

function makeLog(notes = NO_NOTES): { losses: LossLog; lines: Line[] } {
  const lines: Line[] = [];
  const log = pino({ base: null }, { write: (text) => void lines.push(JSON.parse(text)) });
  return { losses: new LossLog(log, notes), lines };
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

function sendLoss(collector: string, code: string, copies: bigint): SendLoss {
  const exporter = endpoint('192.0.2.1:7');
  return { collector: endpoint(collector), code, copies, at: new Date(0), exporter };
}

test('S23: send errors are logged with the collectors and exporters that lost since the last line, and what helps', () => {
  let sendLosses: SendLoss[] = [];
  const notes: LossNotes = {
    sendLosses: () => sendLosses,
    newEvents: () => [
      {
        kind: 'sendErrors',
        code: 'EPERM',
        exporter: endpoint('192.0.2.2:8'),
        collector: endpoint('198.51.100.1:9'),
      },
      { kind: 'truncated', exporter: endpoint('192.0.2.3:9') },
    ],
  };
  const { losses, lines } = makeLog(notes);
  const status = (eperm: bigint, unreachable: bigint, truncated = 0n) =>
    forwarder({
      truncated,
      sendErrors: [
        { code: 'EPERM', count: eperm },
        { code: 'ENETUNREACH', count: unreachable },
      ],
    });
  sendLosses = [sendLoss('198.51.100.1:9', 'EPERM', 3n), sendLoss('198.51.100.2:9', 'EPERM', 4n)];
  losses.report([status(7n, 0n)]);
  sendLosses = [
    sendLoss('198.51.100.1:9', 'EPERM', 3n),
    sendLoss('198.51.100.2:9', 'EPERM', 6n),
    ...Array.from({ length: 7 }, (_, i) =>
      sendLoss(`203.0.113.${i}:9`, 'ENETUNREACH', BigInt(i + 1)),
    ),
  ];
  losses.report([status(9n, 28n, 1n)]);
  assert.deepEqual(
    lines.map(({ kind, packets, collectors, exporters }) => [kind, packets, collectors, exporters]),
    [
      [
        'send error EPERM',
        '7',
        '198.51.100.2:9 (4), 198.51.100.1:9 (3)',
        '192.0.2.1:7, 192.0.2.2:8',
      ],
      [
        'send error ENETUNREACH',
        '28',
        '203.0.113.6:9 (7), 203.0.113.5:9 (6), 203.0.113.4:9 (5), 203.0.113.3:9 (4), 203.0.113.2:9 (3) and 2 more',
        '192.0.2.1:7',
      ],
      ['send error EPERM', '2', '198.51.100.2:9 (2)', '192.0.2.1:7, 192.0.2.2:8'],
      ['truncated', '1', undefined, '192.0.2.3:9'],
    ],
  );
  assert.deepEqual(
    lines.map(({ advice }) => advice),
    [
      'a firewall of this host',
      'a route to the collector',
      'a firewall of this host',
      'raise `COLLECTOR_FLOXY_PACKET_BUFFER_SIZE`',
    ],
  );
});
