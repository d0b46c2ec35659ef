import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endpoint, exporter } from '../../../test/support/rule-sets.ts';
import type { ExporterStatus } from '../../model/exporter-status.ts';
import { MissedSums } from './missed-sums.ts';

function missing(from: string, lost: bigint, hasRule = true): ExporterStatus {
  return {
    endpoint: endpoint(from),
    received: { packets: 1n, bytes: 1n },
    protocol: 'NETFLOW_V9',
    protocols: ['NETFLOW_V9'],
    missed: [{ protocol: 'NETFLOW_V9', sequences: 1, lost }],
    firstSeen: new Date(0),
    lastSeen: new Date(0),
    truncated: 0n,
    lost: 0n,
    ...(hasRule && { rule: exporter('192.0.2.1') }),
  };
}

const shown = (sums: ReturnType<MissedSums['read']>) =>
  sums.map(({ exporter: name, lost }) => `${name} ${lost}`);

test('S45: what is missed is told by address, of exporters that have a rule', () => {
  const sums = new MissedSums();
  const seen = [
    missing('192.0.2.1:1', 3n),
    missing('192.0.2.1:2', 4n),
    missing('192.0.2.2:1', 0n),
    missing('192.0.2.9:1', 9n, false),
  ];
  assert.deepEqual(shown(sums.read(seen, 10)), ['192.0.2.1 7', '192.0.2.2 0']);
  assert.deepEqual(shown(sums.read(seen, 1)), ['all 7'], 'more than a limit are told together');
});

test('S30: they do not go back when an exporter of an address is forgotten', () => {
  const sums = new MissedSums();
  sums.read([missing('192.0.2.1:1', 3n), missing('192.0.2.1:2', 4n)], 10);
  assert.deepEqual(shown(sums.read([missing('192.0.2.1:2', 5n)], 10)), ['192.0.2.1 7']);
  assert.deepEqual(shown(sums.read([missing('192.0.2.1:2', 9n)], 10)), ['192.0.2.1 9']);
});
