import { makePackets, type Packets } from '../../src/flow/model/packets.ts';

export interface PacketOptions {
  /** Four words as in `Packets.sources`. */
  readonly source?: readonly number[];
  readonly port?: number;
  readonly receivedMs?: number;
}

/** Payloads as a batch: as sources of packets hand them to decoders. */
export function packetsOf(
  payloads: readonly Uint8Array[],
  {
    source = [0, 0, 0xffff, 0xc0000201],
    port = 40_000,
    receivedMs = 1_700_000_000_123,
  }: PacketOptions = {},
): Packets {
  const stride = Math.max(1, ...payloads.map(({ length }) => length));
  const packets = makePackets(payloads.length, stride);
  for (const [i, payload] of payloads.entries()) {
    packets.bytes.set(payload, packets.offsets[i]);
    packets.lengths[i] = payload.length;
    packets.sources.set(source, i * 4);
    packets.ports[i] = port;
    packets.listenPorts[i] = 6343;
    packets.receivedMs[i] = receivedMs;
  }
  packets.count = payloads.length;
  return packets;
}
