import { type Addon, addon, type RingWriterHandle } from './addon.ts';
import { checkInteger } from './arguments.ts';
import { RING } from './ring-layout.ts';
import { SystemCallError } from './system-call.ts';

/** A packet for a ring. */
export interface RingPacket {
  /** 16 bytes, IPv4 as ::ffff:a.b.c.d */
  readonly source: Uint8Array;
  readonly sourcePort: number;
  readonly listenPort: number;
  /** Bit p: it is for pipeline p. */
  readonly pipelines: number;
  /** Milliseconds of the Unix epoch. */
  readonly receivedMs: number;
  /** The datagram was longer. */
  readonly isTruncated?: boolean;
  readonly payload: Uint8Array;
}

/**
 * The one writer of a ring (native/include/ring.h). Forwarders write by their PacketSender; this is for sources of
 * other kinds, and for tests.
 */
export class RingWriter {
  readonly #addon: Addon = addon();
  readonly #handle: RingWriterHandle;

  /**
   * Goes on behind the last packet that was published.
   *
   * @param memory mapAll() of createRing(), writable
   * @throws SystemCallError EINVAL when it is no ring
   */
  constructor(memory: ArrayBuffer) {
    const handle = this.#addon.ringWriterCreate(memory);
    if (typeof handle === 'number') throw new SystemCallError('RingWriter', -handle);
    this.#handle = handle;
  }

  /** Appends a packet, which readers see after publish(). Never waits: what is oldest is overwritten. */
  append(packet: RingPacket): void {
    const { source, sourcePort, listenPort, pipelines, receivedMs, payload } = packet;
    checkInteger('bytes of source', source.length, 16, 16);
    checkInteger('bytes of payload', payload.length, 0, RING.PAYLOAD_MAX);
    const flags = packet.isTruncated === true ? RING.RECORD_TRUNCATED : 0;
    this.#addon.ringAppend(
      this.#handle,
      source,
      sourcePort,
      listenPort,
      pipelines >>> 0,
      flags,
      receivedMs,
      payload,
    );
  }

  publish(): void {
    this.#addon.ringPublish(this.#handle);
  }
}
