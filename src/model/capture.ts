import type { Octets } from './address.ts';
import type { Exporter } from './rules.ts';

/** A packet of an exporter, as it arrived. */
export interface CapturedPacket {
  /** Canonical. */
  readonly octets: Octets;
  readonly sourcePort: number;
  /** The port of this node on which it arrived. */
  readonly listenPort: number;
  /** Milliseconds of the Unix epoch, with a fraction. */
  readonly receivedMs: number;
  readonly payload: Uint8Array;
  /** The datagram was longer than the packet buffer (spec R9). */
  readonly isTruncated: boolean;
}

/** Takes what is captured, and must not wait. */
export interface CaptureListener {
  packets(packets: readonly CapturedPacket[]): void;
  /** So many more packets were not taken in time: they are gone. */
  lost(count: number): void;
}

/** Captures packets before anything else becomes of them. */
export interface PacketCapture {
  /**
   * Resolves when every forwarder knows of it: what arrives from then on is captured.
   *
   * @param exporter its port 0 is any; without an endpoint: all exporters
   * @returns what ends it
   * @throws FloxyError LIMIT_EXCEEDED when too many are running, NOT_READY while no packets are taken
   */
  capture(exporter: Partial<Exporter>, listener: CaptureListener): Promise<() => void>;
}
