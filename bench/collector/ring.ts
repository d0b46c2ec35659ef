/** Rings between forwarders and pipelines: what they cost the one who writes, the one who reads, and forwarding. */
import { closeSync } from 'node:fs';
import { makePackets } from '../../src/flow/model/packets.ts';
import { COPY, COUNTERS, PACKET, SLOT } from '../../src/native/layout.ts';
import { PacketBatch } from '../../src/native/packet-batch.ts';
import { PacketSender } from '../../src/native/packet-sender.ts';
import { RING } from '../../src/native/ring-layout.ts';
import { createReaderStates, createRing, mapAll } from '../../src/native/ring-memory.ts';
import { RingReader } from '../../src/native/ring-reader.ts';
import { COLLECTOR } from '../../src/table/layout.ts';
import { buildPrograms } from '../../tools/traffic/programs.ts';
import { startFloxy } from '../contestants/floxy.ts';
import { Meter } from '../measure.ts';
import { BASE, type Effort, QUICK_EFFORT } from '../scenarios.ts';
import { Collector, Generator } from '../tools.ts';
import { Topology } from '../topology.ts';
import {
  type Measurement,
  type MeasurementContext,
  type Prepared,
  workFor,
} from './measurement.ts';

const RING_BYTES = 64 * 1024 ** 2;
const BATCH = 64;
const PAYLOAD_BYTES = 1400;
const MICROSECONDS = 1e6;

/** A sender all of whose packets go to one pipeline. */
class RingFiller {
  readonly ring: ArrayBuffer;
  readonly #sender: PacketSender;

  constructor() {
    const fd = createRing('bench-ring', RING_BYTES);
    this.ring = mapAll(fd, true);
    closeSync(fd);
    const batch = new PacketBatch(BATCH, PAYLOAD_BYTES);
    const copies = new Int32Array(BATCH * COPY.WORDS);
    const lengths = new DataView(batch.packets);
    for (let i = 0; i < BATCH; i++) {
      copies[i * COPY.WORDS + COPY.PACKET] = i;
      lengths.setUint16(i * PACKET.SIZE + PACKET.LENGTH_BYTE, PAYLOAD_BYTES, true);
      lengths.setUint8(i * PACKET.SIZE + PACKET.SOURCE * 4 + 15, i);
    }
    this.#sender = new PacketSender({
      ipv4Fds: [],
      ipv6Fds: [],
      mappedPrefix: new Uint8Array(12),
      batch,
      copies: copies.buffer,
      counters: new ArrayBuffer(COUNTERS.SIZE + SLOT.SIZE),
      slotsByteOffset: COUNTERS.SIZE,
      slotCount: 1,
      ring: this.ring,
    });
    this.#sender.setCollectors(new ArrayBuffer(COLLECTOR.SIZE), 0, 1);
  }

  /** @returns how many packets it has written */
  write(): number {
    this.#sender.send(BATCH, BATCH);
    return BATCH;
  }
}

const write: Measurement = {
  id: 'ring/write',
  description: `packets of ${PAYLOAD_BYTES} bytes written to a ring of 64 MiB, in batches of ${BATCH}`,
  unit: 'packets',
  prepare: () => {
    const filler = new RingFiller();
    return { run: (milliseconds) => workFor(milliseconds, () => filler.write()) };
  },
};

const read: Measurement = {
  id: 'ring/read',
  description: `the same packets read out of it, half a ring at a time`,
  unit: 'packets',
  prepare: prepareReading,
};

function prepareReading(): Prepared {
  const filler = new RingFiller();
  const fd = createReaderStates('bench-readers');
  const states = mapAll(fd, true);
  closeSync(fd);
  const shardOfSlot = new ArrayBuffer(RING.SLOTS);
  const place = { pipeline: 0, shard: 0, owner: 1, shardOfSlot };
  const reader = new RingReader({ ring: filler.ring, states, ...place });
  const packets = makePackets(2048, 1536);
  const batches = Math.floor(RING_BYTES / 2 / 1472 / BATCH);
  return {
    run: (milliseconds) => {
      let cpuMicroseconds = 0;
      const { count } = workFor(milliseconds, () => {
        for (let i = 0; i < batches; i++) filler.write();
        const before = process.cpuUsage();
        let taken = 0;
        do taken += reader.take(packets);
        while (reader.hasMore);
        const { user, system } = process.cpuUsage(before);
        cpuMicroseconds += user + system;
        return taken;
      });
      return { count, cpuSeconds: cpuMicroseconds / MICROSECONDS };
    },
  };
}

function forwarding(id: string, description: string, hasPipeline: boolean): Measurement {
  return {
    id,
    description: `the forwarder of the base scenario (1400 bytes, 2 copies), ${description}`,
    unit: 'copies',
    prepare: (context) => prepareForwarding(context, hasPipeline),
  };
}

/** The real service between two network namespaces, saturated, as in the part of the proxy. */
async function prepareForwarding(
  { core, otherCore, folder }: MeasurementContext,
  hasPipeline: boolean,
): Promise<Prepared> {
  await using resources = new AsyncDisposableStack();
  await buildPrograms();
  const cores = { generator: otherCore, proxy: core, rest: otherCore };
  const scenario = { ...BASE, hasPipeline };
  const topology = resources.use(await Topology.create(`fxring${process.pid}`));
  const path = await topology.path(0, scenario);
  const collector = resources.use(new Collector(topology, cores));
  const running = resources.use(await startFloxy({ path, scenario, cores, folder }, 1));
  const effort: { -readonly [Name in keyof Effort]: number } = { ...QUICK_EFFORT };
  const generator = new Generator(topology, cores);
  const meter = new Meter({
    generator,
    collector,
    effort,
    path,
    scenario,
    running,
    receives: false,
  });
  await meter.probe();
  const started = resources.move();
  return {
    run: async (milliseconds) => {
      effort.saturationMs = milliseconds;
      const { copies, cpuSeconds } = await meter.saturate();
      return { count: copies, cpuSeconds };
    },
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}

export const ring: readonly Measurement[] = [
  write,
  read,
  forwarding('ring/forwarder without ring', 'without pipelines', false),
  forwarding('ring/forwarder with ring', 'every packet written to the ring besides', true),
];
