import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NewEvent } from '../model/events.ts';
import { LossEvents } from './loss-events.ts';
import type { GrownLoss } from './loss-log.ts';

/** Looks ten seconds apart, and what was told of them. */
class Looks {
  readonly told: NewEvent[] = [];
  #nowMs = 0;
  readonly #losses = new LossEvents({ emit: (event) => this.told.push(event) }, () => this.#nowMs);

  look(...packets: readonly bigint[]): void {
    for (const lost of packets) {
      this.#losses.look(lost === 0n ? [] : [loss(lost)]);
      this.#nowMs += 10_000;
    }
  }

  get kinds(): string[] {
    return this.told.map(({ kind }) => kind);
  }
}

function loss(packets: bigint): GrownLoss {
  return {
    kind: 'send error ENETUNREACH',
    packets,
    advice: 'a route is missing',
    key: 'sendErrors',
    code: 'ENETUNREACH',
    collectors: ['192.0.2.1:5'],
    exporters: ['192.0.2.2:6'],
  };
}

test('S42: losses that go on are told once, with who lost to whom and what helps', () => {
  const looks = new Looks();
  looks.look(3n, 4n, 5n, 6n);
  assert.deepEqual(looks.told, [
    {
      kind: 'LossesGrowing',
      subject: 'send error ENETUNREACH',
      cause: '7 lost until now',
      advice: 'a route is missing',
      collectors: ['192.0.2.1:5'],
      exporters: ['192.0.2.2:6'],
    },
  ]);
});

test('S42: a few lost packets are no event, many are one at once', () => {
  const looks = new Looks();
  looks.look(5n, 0n, 5n, 0n, 0n, 99n, 0n);
  assert.deepEqual(looks.kinds, []);
  looks.look(100n);
  assert.deepEqual(looks.kinds, ['LossesGrowing']);
});

test('S42: losses are over after a minute without, and then begin anew', () => {
  const looks = new Looks();
  looks.look(5n, 5n, 0n, 0n, 0n, 0n, 0n, 5n, 0n, 0n, 0n, 0n, 0n);
  assert.deepEqual(looks.kinds, ['LossesGrowing'], 'pauses of fifty seconds are none');
  looks.look(0n);
  assert.deepEqual(looks.kinds, ['LossesGrowing', 'LossesOver']);
  assert.equal(looks.told[1]?.cause, '15 were lost; it began 130 s ago');
  looks.look(5n, 5n);
  assert.deepEqual(looks.kinds, ['LossesGrowing', 'LossesOver', 'LossesGrowing']);
});
