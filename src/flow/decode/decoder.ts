import type { Packets } from '../model/packets.ts';
import { COMMON_WORD } from './counters.ts';
import type { DatagramWalker } from './datagram-walker.ts';

export interface DecoderOptions {
  /** Memory of DECODE_COUNTERS (makeDecodeCounters), which the walkers share. */
  readonly counters: Float64Array;
  /** For versions 5, 9 and 10. */
  readonly netflow: DatagramWalker;
  /** For sFlow version 5. */
  readonly sflow: DatagramWalker;
}

/** Hands datagrams to the walker of their protocol: what arrives on which port does not matter. */
export class Decoder {
  readonly #counters: Float64Array;
  readonly #netflow: DatagramWalker;
  readonly #sflow: DatagramWalker;

  constructor({ counters, netflow, sflow }: DecoderOptions) {
    this.#counters = counters;
    this.#netflow = netflow;
    this.#sflow = sflow;
  }

  /** Decodes all datagrams of a batch, in their order. */
  decode(packets: Packets): void {
    for (let i = 0; i < packets.count; i++) {
      switch (versionOf(packets, i)) {
        case 5:
        case 9:
        case 10:
          this.#netflow.datagram(packets, i);
          break;
        case 0:
          this.#sflow.datagram(packets, i);
          break;
        default:
          this.#counters[COMMON_WORD.unknownVersion] =
            (this.#counters[COMMON_WORD.unknownVersion] as number) + 1;
      }
    }
    this.#netflow.endBatch();
    this.#sflow.endBatch();
  }
}

/** The first 16 bits; 0 only for sFlow version 5, whose version has 32 bits; -1 for what can be none. */
function versionOf({ bytes, offsets, lengths }: Packets, index: number): number {
  const at = offsets[index] as number;
  const length = lengths[index] as number;
  if (length < 2) return -1;
  const version = ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
  if (version !== 0) return version;
  return length >= 4 && bytes[at + 2] === 0 && bytes[at + 3] === 5 ? 0 : -1;
}
