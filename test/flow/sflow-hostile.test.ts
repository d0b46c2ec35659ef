import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BatchWriter } from '../../src/flow/decode/batch-writer.ts';
import { makeDecodeCounters, ProtocolCounts } from '../../src/flow/decode/counters.ts';
import { SflowColumns } from '../../src/flow/decode/sflow/columns.ts';
import { bothConsumers, type SflowConsumer } from '../../src/flow/decode/sflow/consumer.ts';
import { SflowWalker } from '../../src/flow/decode/sflow/walker.ts';
import { SflowCounterJson } from '../../src/flow/format/sflow/counter-json.ts';
import { VflowJson } from '../../src/flow/format/vflow/vflow-json.ts';
import { makePackets, type Packets } from '../../src/flow/model/packets.ts';
import { arbitrarySflowDatagram } from '../support/arbitrary-sflow.ts';
import { Dice, mutate } from '../support/mutate.ts';
import { rowsOf } from '../support/rows.ts';

const DATAGRAMS = Number(process.env['FLOXY_FUZZ_DATAGRAMS'] ?? 100_000);
const SEEDS = 400;
const ROOM = 65_536;

/** Everything that reads sFlow, as one. */
class Readers {
  readonly counters = makeDecodeCounters();
  readonly counts = new ProtocolCounts(this.counters, 'sflow');
  readonly #writer = new BatchWriter((batch) => {
    this.rows += batch.rows;
    if (this.keep) this.said.push(...rowsOf(batch));
  });
  readonly #handOn = ({ bytes, ends }: { bytes: Buffer; ends: Uint32Array }) => {
    for (const [i, end] of ends.entries()) {
      const start = i === 0 ? 0 : (ends[i - 1] as number);
      const text = bytes.toString('utf8', start, end);
      this.octets += end - start;
      if (this.keep) this.said.push(JSON.parse(text));
    }
  };
  readonly #json = new VflowJson({ keyed: false, handOn: this.#handOn });
  readonly #flat = new SflowCounterJson({ keyed: false, handOn: this.#handOn });
  readonly #walker: SflowWalker;
  rows = 0;
  octets = 0;
  said: unknown[] = [];
  keep = false;

  constructor(tunnelLayer: 'outer' | 'inner') {
    const columns: SflowConsumer = new SflowColumns(this.#writer, { tunnelLayer });
    const text = bothConsumers(this.#json.sflow, this.#flat);
    this.#walker = new SflowWalker(bothConsumers(columns, text), this.counters);
  }

  /** @returns what was said of the datagram */
  read(packets: Packets, keep: boolean): unknown[] {
    this.keep = keep;
    this.said = [];
    this.octets = 0;
    this.#walker.datagram(packets, 0);
    this.#writer.flush();
    this.#json.flush();
    this.#flat.flush();
    return this.said;
  }
}

/** A datagram among octets that are not its own. */
function among(packets: Packets, datagram: Uint8Array, around: number, before: number): Packets {
  packets.bytes.fill(around, 0, before + datagram.length + 600);
  packets.bytes.set(datagram, before);
  packets.offsets[0] = before;
  packets.lengths[0] = datagram.length;
  packets.receivedMs[0] = 1_700_000_000_000;
  packets.count = 1;
  return packets;
}

test(`${DATAGRAMS} datagrams with mistakes: none harms, none says more than it has`, () => {
  const seed = Number(process.env['FLOXY_FUZZ_SEED'] ?? Date.now() % 2 ** 32);
  const dice = new Dice(seed);
  const seeds = fc.sample(arbitrarySflowDatagram, { numRuns: SEEDS, seed });
  const readers = [new Readers('outer'), new Readers('inner')];
  const packets = makePackets(1, ROOM * 2);
  let datagrams = 0;
  for (let i = 0; i < DATAGRAMS; i++) {
    const datagram = mutate(dice.of(seeds), dice).subarray(0, ROOM);
    const reader = readers[i & 1] as Readers;
    const rows = reader.rows;
    const context = () => `seed ${seed}, datagram ${i}: ${datagram.toString('hex')}`;
    // What is around a datagram makes no difference: nothing of it is read.
    const isHeldAgainst = i % 16 === 0;
    const first = reader.read(among(packets, datagram, 0x00, 8), isHeldAgainst);
    assert.ok(reader.rows - rows <= datagram.length / 40, context());
    assert.ok(reader.octets <= 2000 + datagram.length * 60, context());
    datagrams++;
    if (!isHeldAgainst) continue;
    const second = reader.read(among(packets, datagram, 0xff, 300), true);
    datagrams++;
    assert.deepEqual(second, first, context());
  }
  const counted = readers.reduce((sum, { counts }) => sum + counts.get('datagrams'), 0);
  assert.equal(counted, datagrams);
});

test('valid datagrams are read as they were written, sample by sample', () => {
  const reader = new Readers('outer');
  const packets = makePackets(1, ROOM);
  fc.assert(
    fc.property(arbitrarySflowDatagram, (datagram) => {
      const sound = reader.counts.get('decodedDatagrams');
      const rows = reader.rows;
      reader.read(among(packets, datagram, 0xff, 4), true);
      assert.equal(reader.counts.get('decodedDatagrams'), sound + 1);
      let samples = 0;
      // Behind version, agent of type 0, 1 or 2, and four words more.
      let at = [24, 28, 40][datagram.readUInt32BE(4)] as number;
      while (at < datagram.length) {
        // Formats of flow samples and discarded packets are odd.
        samples += datagram.readUInt32BE(at) % 2;
        at += 8 + datagram.readUInt32BE(at + 4);
      }
      assert.equal(reader.rows - rows, samples);
    }),
    { numRuns: 300 },
  );
});
