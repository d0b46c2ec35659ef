import { canonicalOctets } from '../../model/address.ts';
import type { CapturedPacket, CaptureListener } from '../../model/capture.ts';
import { RING } from '../../native/ring-layout.ts';
import { RingReader } from '../../native/ring-reader.ts';
import { RingReaderStates } from '../../native/ring-reader-states.ts';

const BATCH = 256;
const BATCH_BYTES = 512 * 1024;
/** In one look: others want their turn, and what is left is there at the next. */
const BATCHES_PER_LOOK = 8;

/** Of all captures: only one looks at a time. */
const BATCH_MEMORY = {
  count: 0,
  bytes: new Uint8Array(BATCH_BYTES),
  offsets: new Uint32Array(BATCH),
  lengths: new Uint32Array(BATCH),
  sources: new Uint32Array(BATCH * 4),
  ports: new Uint16Array(BATCH),
  listenPorts: new Uint16Array(BATCH),
  receivedMs: new Float64Array(BATCH),
  flags: new Uint16Array(BATCH),
};

export interface RingTapOptions {
  /** Of the ring of one forwarder, and of what its readers keep. */
  readonly memory: ArrayBuffer;
  readonly states: ArrayBuffer;
  /** The bit of the capture's packets. */
  readonly index: number;
  /** Tells the capture from those that had the bit before. */
  readonly owner: number;
  /** Whose packets are left out. */
  readonly isHidden: (octets: Uint8Array, port: number) => boolean;
}

/** Takes the packets of one capture out of the ring of one forwarder. */
export class RingTap {
  readonly #options: RingTapOptions;
  readonly #listener: CaptureListener;
  readonly #reader: RingReader;
  readonly #states: RingReaderStates;
  #lost = 0;

  /** Begins behind the newest packet. */
  constructor(options: RingTapOptions, listener: CaptureListener) {
    const { memory: ring, states, index: pipeline, owner } = options;
    this.#options = options;
    this.#listener = listener;
    const shardOfSlot = new ArrayBuffer(RING.SLOTS);
    this.#reader = new RingReader({ ring, states, pipeline, shard: 0, shardOfSlot, owner });
    this.#states = new RingReaderStates(states);
  }

  look(): void {
    for (let i = 0; i < BATCHES_PER_LOOK; i++) {
      const count = this.#reader.take(BATCH_MEMORY);
      const found = Array.from({ length: count }, (_, at) => packetAt(at)).filter(
        ({ octets, sourcePort }) => !this.#options.isHidden(octets, sourcePort),
      );
      if (found.length > 0) {
        this.#listener.packets(
          found.map((packet) => ({ ...packet, octets: canonicalOctets(packet.octets) })),
        );
      }
      if (!this.#reader.hasMore) break;
    }
    this.#reader.done();
    this.#tellLost();
  }

  #tellLost(): void {
    const lost = this.#states.account(this.#options.index, 0)?.ownLost ?? this.#lost;
    if (lost > this.#lost) this.#listener.lost(lost - this.#lost);
    this.#lost = lost;
  }
}

/** With all 16 bytes of its address. */
function packetAt(at: number): CapturedPacket {
  const { bytes, offsets, lengths, sources, ports, listenPorts, receivedMs, flags } = BATCH_MEMORY;
  const octets = Buffer.alloc(16);
  for (let word = 0; word < 4; word++) octets.writeUInt32BE(sources[at * 4 + word] ?? 0, word * 4);
  const offset = offsets[at] ?? 0;
  return {
    octets: new Uint8Array(octets),
    sourcePort: ports[at] ?? 0,
    listenPort: listenPorts[at] ?? 0,
    receivedMs: receivedMs[at] ?? 0,
    payload: bytes.slice(offset, offset + (lengths[at] ?? 0)),
    isTruncated: ((flags[at] ?? 0) & RING.RECORD_TRUNCATED) !== 0,
  };
}
