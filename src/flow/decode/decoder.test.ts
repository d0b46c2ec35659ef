import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makePackets, type Packets } from '../model/packets.ts';
import { COMMON_WORD, DECODE_COUNTERS, makeDecodeCounters } from './counters.ts';
import { Decoder } from './decoder.ts';

function batchOf(payloads: readonly (readonly number[])[]): Packets {
  const packets = makePackets(payloads.length, 64);
  for (const [i, payload] of payloads.entries()) {
    packets.bytes.set(payload, packets.offsets[i]);
    packets.lengths[i] = payload.length;
  }
  packets.count = payloads.length;
  return packets;
}

test('datagrams go to the walker of their version word, in their order', () => {
  const seen: string[] = [];
  const counters = makeDecodeCounters();
  const walker = (name: string) => ({
    datagram: (_: Packets, index: number) => void seen.push(`${name} ${index}`),
    endBatch: () => void seen.push(`${name} end`),
  });
  const decoder = new Decoder({ counters, netflow: walker('netflow'), sflow: walker('sflow') });
  decoder.decode(
    batchOf([
      [0, 9],
      [0, 0, 0, 5],
      [0, 10, 1, 2, 3],
      [0, 5, 0, 1],
      [0, 0, 0, 4],
      [0, 8],
      [0, 0],
      [5],
      [],
    ]),
  );
  assert.deepEqual(seen, [
    'netflow 0',
    'sflow 1',
    'netflow 2',
    'netflow 3',
    'netflow end',
    'sflow end',
  ]);
  assert.equal(counters[COMMON_WORD.unknownVersion], 5);
});

test('each counter has a word, a name and a meaning of its own', () => {
  const names = DECODE_COUNTERS.map(({ protocol, key }) => `${protocol ?? ''} ${key}`);
  assert.equal(new Set(names).size, names.length);
  assert.deepEqual(
    DECODE_COUNTERS.map(({ word }) => word),
    names.map((_, i) => i),
  );
  assert.ok(DECODE_COUNTERS.every(({ meaning }) => meaning.length > 0));
});
