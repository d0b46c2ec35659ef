/** Octets of packets, as headers are sampled, for tests: layer by layer, each around the next. */
import { addressOctets } from './sflow-writer.ts';

const short = (value: number) => Buffer.from([value >>> 8, value & 0xff]);
export const MACS = { source: '02000000000a', destination: '02000000000b' } as const;

export function ethernetFrame(
  etherType: number,
  payload: Uint8Array,
  tags: readonly number[][] = [],
): Buffer {
  return Buffer.concat([
    Buffer.from(MACS.destination, 'hex'),
    Buffer.from(MACS.source, 'hex'),
    ...tags.map(([type = 0x8100, control = 0]) => Buffer.concat([short(type), short(control)])),
    short(etherType),
    payload,
  ]);
}

export interface Ipv4Spec {
  readonly source?: string;
  readonly destination?: string;
  readonly protocol: number;
  readonly tos?: number;
  readonly ttl?: number;
  readonly id?: number;
  /** Flags in the upper three bits. */
  readonly fragment?: number;
  /** A multiple of four octets. */
  readonly options?: Uint8Array;
}

export function ipv4Packet(spec: Ipv4Spec, payload: Uint8Array): Buffer {
  const {
    source = '198.51.100.1',
    destination = '203.0.113.2',
    protocol,
    tos = 0,
    ttl = 64,
  } = spec;
  const { id = 0, fragment = 0, options = Buffer.alloc(0) } = spec;
  const words = 5 + options.length / 4;
  return Buffer.concat([
    Buffer.from([0x40 | words, tos]),
    short(words * 4 + payload.length),
    short(id),
    short(fragment),
    Buffer.from([ttl, protocol, 0, 0]),
    addressOctets(source),
    addressOctets(destination),
    options,
    payload,
  ]);
}

export interface Ipv6Spec {
  readonly source?: string;
  readonly destination?: string;
  readonly next: number;
  readonly trafficClass?: number;
  readonly flowLabel?: number;
  readonly hopLimit?: number;
}

export function ipv6Packet(spec: Ipv6Spec, payload: Uint8Array): Buffer {
  const { source = '2001:db8::1', destination = '2001:db8::2', next } = spec;
  const { trafficClass = 0, flowLabel = 0, hopLimit = 64 } = spec;
  const first = Buffer.alloc(4);
  first.writeUInt32BE(((6 << 28) | (trafficClass << 20) | flowLabel) >>> 0);
  return Buffer.concat([
    first,
    short(payload.length),
    Buffer.from([next, hopLimit]),
    addressOctets(source),
    addressOctets(destination),
    payload,
  ]);
}

/** @param flags twelve bits */
export function tcpHeader(source: number, destination: number, flags: number): Buffer {
  return Buffer.concat([
    short(source),
    short(destination),
    Buffer.alloc(8),
    short((5 << 12) | flags),
    Buffer.alloc(6),
  ]);
}

export function udpDatagram(
  source: number,
  destination: number,
  payload = Buffer.alloc(0),
): Buffer {
  return Buffer.concat([
    short(source),
    short(destination),
    short(8 + payload.length),
    short(0),
    payload,
  ]);
}

export function mplsStack(labels: readonly number[], payload: Uint8Array): Buffer {
  const stack = Buffer.alloc(labels.length * 4);
  for (const [i, label] of labels.entries()) {
    stack.writeUInt32BE(((label << 12) | (i === labels.length - 1 ? 0x100 : 0) | 64) >>> 0, i * 4);
  }
  return Buffer.concat([stack, payload]);
}
