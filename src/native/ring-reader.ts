import { type Addon, addon, type RingReaderHandle } from './addon.ts';
import { checkInteger } from './arguments.ts';
import { RING } from './ring-layout.ts';
import { readerStateAt } from './ring-memory.ts';
import { SystemCallError } from './system-call.ts';

/** Memory of a batch of packets: Packets of src/flow/model/packets.ts. */
export interface PacketMemory {
  count: number;
  /** At least 65,536 bytes: the largest payload fits. */
  readonly bytes: Uint8Array;
  readonly offsets: Uint32Array;
  readonly lengths: Uint32Array;
  readonly sources: Uint32Array;
  readonly ports: Uint16Array;
  readonly listenPorts: Uint16Array;
  readonly receivedMs: Float64Array;
  /** RING.RECORD_TRUNCATED: the datagram was longer. Absent: it is not wanted. */
  readonly flags?: Uint16Array | undefined;
}

export interface RingReaderOptions {
  /** mapAll() of a ring. Reading is enough. */
  readonly ring: ArrayBuffer;
  /** mapAll() of the states of its readers, writable. */
  readonly states: ArrayBuffer;
  /** Index of the pipeline, 0 to 31: only packets with its bit are taken. */
  readonly pipeline: number;
  /** 0 to 63. Which reader of the pipeline this is: no two of one pipeline and shard may run at a time. */
  readonly shard: number;
  /**
   * For each of 256 slots of exporters (ringSlot) the shard that takes their packets; 256 bytes, which may be changed
   * between two calls of take().
   */
  readonly shardOfSlot: ArrayBuffer;
  /** A safe integer that tells this pipeline from others that had its index: another one begins anew. */
  readonly owner: number;
}

/**
 * Takes a pipeline's packets out of the ring of one forwarder. A worker has one for each ring:
 *
 *     const reader = new RingReader({ ring: mapAll(fd, false), states: mapAll(statesFd, true), … });
 *     const packets = makePackets(2048, 1536);
 *     while (reader.take(packets) > 0) decode(packets);
 *     if (!reader.hasMore) …wait 1 ms after traffic, up to 20 ms when idle, and try again
 *
 * Where it is, and what it has counted, is in `states`: a process that takes over a dead one's pipeline and shard goes on
 * behind the batch that was being worked on, which is counted as `abandoned`. RingReaderStates reads it from elsewhere.
 */
export class RingReader {
  readonly #addon: Addon = addon();
  readonly #handle: RingReaderHandle;
  #hasMore = false;

  /**
   * Begins behind the newest packet when the ring or the owner is another one than the state tells of.
   *
   * @throws RangeError for options out of range, SystemCallError EINVAL when it is no ring
   */
  constructor({ ring, states, pipeline, shard, shardOfSlot, owner }: RingReaderOptions) {
    const at = readerStateAt(pipeline, shard);
    checkInteger('bytes of shardOfSlot', shardOfSlot.byteLength, RING.SLOTS, RING.SLOTS);
    checkInteger('owner', owner, 0, Number.MAX_SAFE_INTEGER);
    const handle = this.#addon.ringReaderCreate(
      ring,
      states,
      at,
      pipeline,
      shard,
      shardOfSlot,
      owner,
      process.pid,
    );
    if (typeof handle === 'number') throw new SystemCallError('RingReader', -handle);
    this.#handle = handle;
  }

  /**
   * Fills `packets` from the first one on: payloads, `offsets` and all the rest; `count` is set. Never waits. Looks at
   * 16,384 records at most, so there may be none although there are more (hasMore). The batch taken before it counts
   * as done.
   *
   * @returns how many packets there are
   */
  take(packets: PacketMemory): number {
    const { lengths, bytes } = packets;
    checkMemory(packets);
    const result = this.#addon.ringTake(
      this.#handle,
      lengths.length,
      bytes,
      packets.offsets,
      lengths,
      packets.sources,
      packets.ports,
      packets.listenPorts,
      packets.receivedMs,
      packets.flags,
    );
    this.#hasMore = (result & 1) !== 0;
    packets.count = result >>> 1;
    return packets.count;
  }

  /** After take(): more can be taken at once. */
  get hasMore(): boolean {
    return this.#hasMore;
  }

  /** The batch taken last has been worked on: for the end, and before a long wait. */
  done(): void {
    this.#addon.ringDone(this.#handle);
  }
}

/** @throws RangeError when native code would write beyond what is there */
function checkMemory(packets: PacketMemory): void {
  const { bytes, offsets, lengths, sources, ports, listenPorts, receivedMs, flags } = packets;
  if (bytes.length <= RING.PAYLOAD_MAX)
    throw new RangeError(`bytes has ${bytes.length}: must be at least ${RING.PAYLOAD_MAX + 1}`);
  const size = lengths.length;
  const room = Math.min(
    offsets.length,
    sources.length / 4,
    ports.length,
    listenPorts.length,
    receivedMs.length,
    flags?.length ?? size,
  );
  if (room < size)
    throw new RangeError(`lengths has room for ${size} packets, something else only for ${room}`);
}
