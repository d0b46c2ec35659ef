/** The rings of a running service, as a worker of a pipeline would have them: fetched from its forwarders. */
import { closeSync, openSync, readdirSync, readlinkSync } from 'node:fs';
import { makePackets, type Packets } from '../../src/flow/model/packets.ts';
import { RING } from '../../src/native/ring-layout.ts';
import { mapAll } from '../../src/native/ring-memory.ts';
import { RingReader } from '../../src/native/ring-reader.ts';
import { RingReaderStates } from '../../src/native/ring-reader-states.ts';

const OWNER = 4711;

/** A packet that a pipeline got. */
export interface Taken {
  /** As four words. */
  readonly source: readonly number[];
  readonly sourcePort: number;
  readonly listenPort: number;
  readonly receivedMs: number;
  readonly payload: Buffer;
}

/** One reader of the ring of one forwarder: all of a pipeline's packets. */
export class TestReader {
  readonly states: RingReaderStates;
  readonly #pipeline: number;
  readonly #ring: ArrayBuffer;
  readonly #readers: ArrayBuffer;
  readonly #packets: Packets = makePackets(256, 2048);

  /** @param pid of the forwarder */
  constructor(pid: number, forwarder: number, pipeline: number) {
    this.#ring = mapDescriptor(pid, `floxy-ring-${forwarder}`, false);
    this.#readers = mapDescriptor(pid, `floxy-ring-readers-${forwarder}`, true);
    this.states = new RingReaderStates(this.#readers);
    this.#pipeline = pipeline;
    this.states.begin(this.#ring, pipeline, 0, OWNER);
  }

  /** All that has come since it began, or since the last call, in the ring of whatever forwarder. */
  takeAll(): Taken[] {
    const reader = new RingReader({
      ring: this.#ring,
      states: this.#readers,
      pipeline: this.#pipeline,
      shard: 0,
      shardOfSlot: new ArrayBuffer(RING.SLOTS),
      owner: OWNER,
    });
    const taken: Taken[] = [];
    do {
      reader.take(this.#packets);
      for (let i = 0; i < this.#packets.count; i++) taken.push(packetOf(this.#packets, i));
    } while (reader.hasMore);
    reader.done();
    return taken;
  }
}

function packetOf(packets: Packets, i: number): Taken {
  const at = packets.offsets[i] ?? 0;
  return {
    source: [...packets.sources.subarray(i * 4, i * 4 + 4)],
    sourcePort: packets.ports[i] ?? 0,
    listenPort: packets.listenPorts[i] ?? 0,
    receivedMs: packets.receivedMs[i] ?? 0,
    payload: Buffer.from(packets.bytes.slice(at, at + (packets.lengths[i] ?? 0))),
  };
}

/** Maps memory that a process has open, by its name. */
function mapDescriptor(pid: number, name: string, isWritable: boolean): ArrayBuffer {
  const folder = `/proc/${pid}/fd`;
  const found = readdirSync(folder).find((fd) =>
    readlinkSync(`${folder}/${fd}`).includes(`:${name} `),
  );
  if (found === undefined) throw new Error(`process ${pid} has no ${name}`);
  const fd = openSync(`${folder}/${found}`, isWritable ? 'r+' : 'r');
  const memory = mapAll(fd, isWritable);
  closeSync(fd);
  return memory;
}
