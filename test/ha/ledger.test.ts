import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ledger } from './ledger.ts';

/** Two exporters send a packet every 100 ms each from 1000 ms on. */
function sendTen(): Ledger {
  const ledger = new Ledger(2);
  for (let sequence = 0; sequence < 10; sequence++)
    for (const exporter of [0, 1])
      ledger.addSent({ exporter, sequence, atMs: 1000 + sequence * 100, way: 0 });
  return ledger;
}

test('the ledger tells lost, late and duplicated packets, and when the last bad one was sent', () => {
  const ledger = sendTen();
  for (let sequence = 0; sequence < 10; sequence++) {
    const atMs = 1000 + sequence * 100;
    if (sequence !== 4) ledger.addArrived({ exporter: 0, sequence, atMs: atMs + 1, way: 1 });
    const delayMs = sequence === 6 ? 700 : 2;
    ledger.addArrived({ exporter: 1, sequence, atMs: atMs + delayMs, way: 2 });
  }
  ledger.addArrived({ exporter: 0, sequence: 2, atMs: 9999, way: 2 });
  assert.deepEqual(ledger.tally(0, 5000), {
    sent: 20,
    lost: 1,
    late: 1,
    duplicated: 1,
    firstBadMs: 1400,
    lastBadMs: 1600,
    longestMs: 700,
    byWay: [9, 10],
    wanderers: 0,
    exportersByWay: [new Set([0]), new Set([1])],
    lostByExporter: new Map([[0, 1]]),
  });
  assert.equal(ledger.lastServedMs, 1900);
});

test('the ledger looks at the packets of the asked time only', () => {
  const ledger = sendTen();
  const { sent, lost, lastBadMs } = ledger.tally(1200, 1500);
  assert.deepEqual({ sent, lost, lastBadMs }, { sent: 6, lost: 6, lastBadMs: 1400 });
});

test('the ledger tells exporters that came both ways', () => {
  const ledger = sendTen();
  ledger.addArrived({ exporter: 0, sequence: 0, atMs: 1001, way: 1 });
  ledger.addArrived({ exporter: 0, sequence: 9, atMs: 1901, way: 2 });
  const tally = ledger.tally(0, 5000);
  assert.equal(tally.wanderers, 1);
  assert.deepEqual(tally.exportersByWay, [new Set([0]), new Set([0])]);
  assert.equal(ledger.tally(0, 1500).wanderers, 0);
});
