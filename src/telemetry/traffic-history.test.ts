import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_COUNTS } from '../../test/support/counters.ts';
import type { ForwarderStatus } from './status.ts';
import { TrafficHistory } from './traffic-history.ts';

/** A node that receives ten packets of 100 bytes a second, and sends twice as many. */
class Node {
  seconds = 0;
  received = 0;
  drops = 0n;
  forwarders = 1;
  readonly history = new TrafficHistory(
    () => this.status(),
    () => this.seconds * 1000,
  );

  status(): ForwarderStatus[] {
    const packets = BigInt(this.received);
    const busy: ForwarderStatus = {
      ...NO_COUNTS,
      index: 0,
      restarts: 0,
      received: { packets, bytes: packets * 100n },
      forwarded: { packets: packets * 2n, bytes: packets * 200n },
      kernelDrops: this.drops,
    };
    return Array.from({ length: this.forwarders }, () => busy).slice(0, this.forwarders);
  }

  /** Samples every five seconds, as it does by itself. */
  run(seconds: number, perSecond = 10): void {
    for (let i = 0; i < seconds; i++) {
      this.seconds += 1;
      this.received += perSecond;
      if (this.seconds % 5 === 0) this.history.sample();
    }
  }
}

test('S20: rates and losses are those of the last five minutes, whoever asked before', () => {
  const node = new Node();
  node.history.sample();
  assert.equal(node.history.last(300), undefined);
  node.drops = 7n;
  node.run(600, 1000);
  node.run(250);
  node.drops = 12n;
  node.run(50);
  for (let reader = 0; reader < 3; reader++) {
    const traffic = node.history.last(300);
    assert.deepEqual(
      [traffic?.seconds, traffic?.received, traffic?.forwarded],
      [
        300,
        { packetsPerSecond: 10, bytesPerSecond: 1000 },
        { packetsPerSecond: 20, bytesPerSecond: 2000 },
      ],
    );
    assert.deepEqual(
      traffic?.losses.map(({ kind, packets }) => [kind, packets]),
      [['kernel drops', 5n]],
    );
  }
});

test('S20: the last seconds are told apart from the last minutes', () => {
  const node = new Node();
  node.history.sample();
  node.run(100, 50);
  node.run(13, 0);
  assert.equal(node.history.last(10)?.received.packetsPerSecond, 0);
  assert.equal(node.history.last(10)?.seconds, 13);
  assert.equal(Math.round(node.history.last(300)?.received.packetsPerSecond ?? 0), 44);
});

test('S20: counters that were taken over did not come just now', () => {
  const node = new Node();
  node.forwarders = 0;
  node.history.sample();
  node.received = 1_000_000;
  node.forwarders = 1;
  node.seconds = 5;
  assert.equal(node.history.last(300), undefined);
  node.history.sample();
  node.run(10);
  assert.equal(node.history.last(300)?.received.packetsPerSecond, 10);
});

test('S20: counters that begin anew are no traffic', () => {
  const node = new Node();
  node.history.sample();
  node.run(10);
  node.received = 0;
  node.drops = -3n;
  assert.deepEqual(node.history.last(300)?.received, { packetsPerSecond: 0, bytesPerSecond: 0 });
  assert.deepEqual(node.history.last(300)?.losses, []);
});
