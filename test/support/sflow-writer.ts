/** Writes sFlow v5 datagrams (sflow.org/sflow_version_5.txt), for tests. */

/** 32-bit words in network byte order. */
export function words(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [i, value] of values.entries()) bytes.writeUInt32BE(value >>> 0, i * 4);
  return bytes;
}

/** 64-bit values in network byte order. */
export function longs(...values: bigint[]): Buffer {
  const bytes = Buffer.alloc(values.length * 8);
  for (const [i, value] of values.entries()) bytes.writeBigUInt64BE(value, i * 8);
  return bytes;
}

/** Octets padded to a multiple of four. */
export function padded(bytes: Uint8Array): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
}

/** A string or octets with their length before them. */
export function opaque(bytes: Uint8Array | string): Buffer {
  const octets = Buffer.from(bytes as string);
  return Buffer.concat([words(octets.length), padded(octets)]);
}

/** The octets of an IPv4 or IPv6 address. */
export function addressOctets(address: string): Buffer {
  if (!address.includes(':')) return Buffer.from(address.split('.').map(Number));
  const [head = '', tail] = address.split('::');
  const groups = (text: string) => (text === '' ? [] : text.split(':'));
  const before = groups(head);
  const after = tail === undefined ? [] : groups(tail);
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => '0');
  const all = tail === undefined ? before : [...before, ...zeros, ...after];
  return Buffer.concat(all.map((group) => Buffer.from(group.padStart(4, '0'), 'hex')));
}

/** An address with its type before it; an empty text is none. */
export function typedAddress(address: string): Buffer {
  if (address === '') return words(0);
  return Buffer.concat([words(address.includes(':') ? 2 : 1), addressOctets(address)]);
}

export interface SflowRecordSpec {
  /** Enterprise in the upper 20 bits. */
  readonly format: number;
  readonly data: Uint8Array;
}

export interface FlowSampleSpec {
  readonly sequence?: number;
  /** Class in the upper eight bits; of expanded samples `sourceClass` beside it. */
  readonly source?: number;
  readonly sourceClass?: number;
  readonly samplingRate?: number;
  readonly samplePool?: number;
  readonly drops?: number;
  readonly input?: number;
  readonly inputFormat?: number;
  readonly output?: number;
  readonly outputFormat?: number;
  readonly records: readonly SflowRecordSpec[];
}

function withLength(format: number, data: Uint8Array): Buffer {
  return Buffer.concat([words(format, data.length), data]);
}

function recordsOf(records: readonly SflowRecordSpec[]): Buffer {
  return Buffer.concat([
    words(records.length),
    ...records.map(({ format, data }) => withLength(format, data)),
  ]);
}

/** A flow sample: of format 3 when it is expanded, else of format 1. */
export function flowSample(spec: FlowSampleSpec, expanded = false): Buffer {
  const { sequence = 1, source = 1, sourceClass = 0, samplingRate = 512, samplePool = 1024 } = spec;
  const { drops = 0, input = 0, inputFormat = 0, output = 0, outputFormat = 0 } = spec;
  const counts = words(samplingRate, samplePool, drops);
  const head = expanded
    ? [
        words(sequence, sourceClass, source),
        counts,
        words(inputFormat, input, outputFormat, output),
      ]
    : [
        words(sequence, (sourceClass << 24) | source),
        counts,
        words((inputFormat << 30) | input, (outputFormat << 30) | output),
      ];
  return withLength(expanded ? 3 : 1, Buffer.concat([...head, recordsOf(spec.records)]));
}

export interface CounterSampleSpec {
  readonly sequence?: number;
  readonly source?: number;
  readonly sourceClass?: number;
  readonly records: readonly SflowRecordSpec[];
}

/** A counter sample: of format 4 when it is expanded, else of format 2. */
export function counterSample(
  { sequence = 1, source = 1, sourceClass = 0, records }: CounterSampleSpec,
  expanded = false,
): Buffer {
  const head = expanded
    ? words(sequence, sourceClass, source)
    : words(sequence, (sourceClass << 24) | source);
  return withLength(expanded ? 4 : 2, Buffer.concat([head, recordsOf(records)]));
}

export interface DiscardedPacketSpec {
  readonly drops?: number;
  readonly input?: number;
  readonly output?: number;
  readonly reason: number;
  readonly records: readonly SflowRecordSpec[];
}

/** A discarded packet (sflow.org/sflow_drops.txt): format 5. */
export function discardedPacket(spec: DiscardedPacketSpec): Buffer {
  const { drops = 0, input = 0, output = 0, reason, records } = spec;
  return withLength(
    5,
    Buffer.concat([words(1, 0, 1, drops, input, output, reason), recordsOf(records)]),
  );
}

/** A record of format 1: the first octets of a packet. */
export function sampledHeader(
  header: Uint8Array,
  { protocol = 1, frameLength = header.length, stripped = 4 } = {},
): SflowRecordSpec {
  return {
    format: 1,
    data: Buffer.concat([words(protocol, frameLength, stripped), opaque(header)]),
  };
}

export interface SflowDatagramSpec {
  /** Empty: an agent without address. */
  readonly agent?: string;
  readonly subAgent?: number;
  readonly sequence?: number;
  readonly uptimeMs?: number;
  /** How many it says there are. */
  readonly sampleCount?: number;
  readonly samples: readonly Uint8Array[];
}

export function sflowDatagram({
  agent = '192.0.2.1',
  subAgent = 0,
  sequence = 1,
  uptimeMs = 1000,
  samples,
  sampleCount = samples.length,
}: SflowDatagramSpec): Buffer {
  return Buffer.concat([
    words(5),
    typedAddress(agent),
    words(subAgent, sequence, uptimeMs, sampleCount),
    ...samples,
  ]);
}
