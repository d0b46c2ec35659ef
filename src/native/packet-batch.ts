import { checkInteger } from './arguments.ts';
import { LIMIT, PACKET } from './layout.ts';

/** Payloads begin at cache lines. */
const PAYLOAD_ALIGNMENT = 64;

/**
 * Memory of packets that receivers fill and a sender takes from. It may be read and written between their
 * calls, but not resized, transferred or unmapped.
 */
export class PacketBatch {
  /** Packets that have room. */
  readonly size: number;
  /** Largest payload that is taken whole. */
  readonly payloadBytes: number;
  /** The payload of packet i is at i times this. */
  readonly payloadStride: number;
  /** struct pio_packet[size + LIMIT.SPARE]: messages that a sender makes come behind the packets. */
  readonly packets: ArrayBuffer;
  readonly payloads: ArrayBuffer;

  /**
   * @param size 1 to 1024
   * @param payloadBytes 1 to 65535
   * @throws RangeError
   */
  constructor(size: number, payloadBytes: number) {
    checkInteger('size', size, 1, LIMIT.BATCH);
    checkInteger('payloadBytes', payloadBytes, 1, LIMIT.PAYLOAD);
    this.size = size;
    this.payloadBytes = payloadBytes;
    this.payloadStride = Math.ceil(payloadBytes / PAYLOAD_ALIGNMENT) * PAYLOAD_ALIGNMENT;
    this.packets = new ArrayBuffer((size + LIMIT.SPARE) * PACKET.SIZE);
    this.payloads = new ArrayBuffer((size + LIMIT.SPARE) * this.payloadStride);
  }
}
