/** A batch of flow datagrams, as sources (ring, sockets, captures) hand it to decoders. */
export interface Packets {
  /** How many there are; everything below has room for at least as many. */
  count: number;
  /** All payloads. Valid until the source is asked again. */
  readonly bytes: Uint8Array;
  /** Where each payload begins in bytes. */
  readonly offsets: Uint32Array;
  /** Octets of each payload. */
  readonly lengths: Uint32Array;
  /** Source addresses, four words each; the first octet is the highest of the first word; IPv4 as ::ffff:a.b.c.d. */
  readonly sources: Uint32Array;
  /** Source ports. */
  readonly ports: Uint16Array;
  /** The port on which each arrived. */
  readonly listenPorts: Uint16Array;
  /** When each was received: milliseconds of the Unix epoch. */
  readonly receivedMs: Float64Array;
}

/** What datagrams are, by their version word. NetStream v5 and v9 are NetFlow on the wire. */
export type FlowProtocol = 'netflow5' | 'netflow9' | 'ipfix' | 'sflow';

/** Makes room for a batch. @param stride octets for each payload, which begin at multiples of it */
export function makePackets(size: number, stride: number): Packets {
  return {
    count: 0,
    bytes: new Uint8Array(size * stride),
    offsets: Uint32Array.from({ length: size }, (_, i) => i * stride),
    lengths: new Uint32Array(size),
    sources: new Uint32Array(size * 4),
    ports: new Uint16Array(size),
    listenPorts: new Uint16Array(size),
    receivedMs: new Float64Array(size),
  };
}
