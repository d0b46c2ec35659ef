import { PACKET } from '../../../native/layout.ts';
import { PROTOCOL } from '../../../native/notes-layout.ts';

/** Payloads of a batch, in memory shared with packet I/O. */
export interface PayloadMemory {
  /** struct pio_packet[] */
  readonly packets: Int32Array;
  readonly payloads: Uint8Array;
  /** The payload of packet i begins at i times this. */
  readonly payloadStride: number;
}

const HALVES_PER_PACKET = PACKET.SIZE / 2;
const VERSION_BYTES = 4;

/** What payloads say. Nothing is read beyond their ends; what cannot be read is not there. */
export class Payloads {
  readonly #bytes: Uint8Array;
  readonly #stride: number;
  /** Members of packets that have 16 bits. */
  readonly #halves: Uint16Array;

  constructor({ packets, payloads, payloadStride }: PayloadMemory) {
    this.#bytes = payloads;
    this.#stride = payloadStride;
    this.#halves = new Uint16Array(packets.buffer, packets.byteOffset, packets.length * 2);
  }

  /** The port to which a packet came. */
  listenPort(packet: number): number {
    return this.#halves[packet * HALVES_PER_PACKET + PACKET.LISTEN_PORT_BYTE / 2] as number;
  }

  /** How many bytes of the payload there are. */
  length(packet: number): number {
    const length = this.#halves[packet * HALVES_PER_PACKET + PACKET.LENGTH_BYTE / 2] as number;
    return Math.min(length, this.#stride);
  }

  /** One of PROTOCOL, as native/src/io/notes.c finds it too (spec S24). */
  protocol(packet: number): number {
    if (this.length(packet) < VERSION_BYTES) return PROTOCOL.OTHER;
    const word = this.word(packet, 0);
    switch (word >>> 16) {
      case 0:
        return word === 5 ? PROTOCOL.SFLOW_V5 : PROTOCOL.OTHER;
      case 1:
        return PROTOCOL.NETFLOW_V1;
      case 5:
        return PROTOCOL.NETFLOW_V5;
      case 7:
        return PROTOCOL.NETFLOW_V7;
      case 9:
        return PROTOCOL.NETFLOW_V9;
      case 10:
        return PROTOCOL.IPFIX;
      default:
        return PROTOCOL.OTHER;
    }
  }

  /** Four bytes in network order, which are there. @returns 32 bits, signed */
  word(packet: number, at: number): number {
    const bytes = this.#bytes;
    const first = packet * this.#stride + at;
    return (
      ((bytes[first] as number) << 24) |
      ((bytes[first + 1] as number) << 16) |
      ((bytes[first + 2] as number) << 8) |
      (bytes[first + 3] as number)
    );
  }
}
