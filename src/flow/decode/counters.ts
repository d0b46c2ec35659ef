import type { FlowProtocol } from '../model/packets.ts';

/**
 * What decoders count: each counter is described here once. Shared memory, API, metrics and documents follow.
 * One word each (a double, so exact to 2^53), in the order of DECODE_COUNTERS: those of all protocols first, then a
 * block for each protocol. They only grow, unless they are a gauge.
 */
export type DecodeCounterKind = 'counter' | 'gauge';

interface Description {
  readonly kind: DecodeCounterKind;
  readonly meaning: string;
  /** What it costs: records (or sets, or datagrams) that are lost when it grows. */
  readonly loss?: true;
}

export interface DecodeCounter extends Description {
  /** In lowerCamelCase. With its protocol it is one of a kind. */
  readonly key: string;
  /** Absent: it is not of one protocol. */
  readonly protocol?: FlowProtocol;
  /** Its place in the memory of counters. */
  readonly word: number;
}

export const PROTOCOLS = ['netflow5', 'netflow9', 'ipfix', 'sflow'] as const;

const counter = (meaning: string) => ({ kind: 'counter', meaning }) as const;
const loss = (meaning: string) => ({ kind: 'counter', meaning, loss: true }) as const;
const gauge = (meaning: string) => ({ kind: 'gauge', meaning }) as const;

/** Of no protocol, or of all together. */
const COMMON = {
  unknownVersion: loss('datagrams whose first octets are of no protocol that is decoded'),
  exporters: gauge('exporter addresses that are known'),
  sessions: gauge('sessions (exporter address, port, version, domain) that are known'),
  sessionsMade: counter('sessions that were made'),
  sessionsDropped: counter('sessions that were forgotten because there were too many'),
  sessionsRefused: counter(
    'datagrams of new sessions that were decoded without one: too many new ones a second, or no room',
  ),
  templates: gauge('templates that sessions hold'),
  pendingBytes: gauge('octets of data sets that wait for their template'),
} as const satisfies Record<string, Description>;

const PER_PROTOCOL = {
  datagrams: counter('datagrams that were looked at'),
  bytes: counter('octets of them'),
  decodedDatagrams: counter('datagrams of which nothing was malformed'),
  sets: counter('data sets (sFlow: samples)'),
  records: counter('flow records that were decoded'),
  optionRecords: counter('option records that were decoded (sFlow: counter samples)'),
  templateRecords: counter('template records, new or repeated'),
  templatesLearnt: counter('templates that were new, or whose content had changed'),
  emptyTemplates: counter('new templates whose fields are all 0 octets long: they have no records'),
  templatesWithdrawn: counter('templates that were withdrawn'),
  templatesRefused: loss('template records over a limit of templates, fields or new ones a second'),
  templatesFromOtherPort: counter(
    'data sets whose template came from another port of the same exporter',
  ),
  templatesFromStore: counter('templates that were found in the template store'),
  truncated: loss('malformed: datagrams shorter than their header, or than it says'),
  badCount: counter('datagrams whose header counts other records than there are'),
  badSetLength: loss('malformed: sets shorter than their header, or longer than the datagram'),
  badTemplate: loss('malformed: template records that are cut, or have no fields'),
  badRecord: loss('malformed: records that are cut'),
  badSample: loss('malformed: sFlow samples or records that are cut, or longer than the datagram'),
  reservedSets: counter('sets with an id that has no meaning (4 to 255; NetFlow v9: 2 to 255)'),
  unknownFormats: counter('samples and records of a format that is not decoded (sFlow)'),
  missingTemplate: counter('data sets that came before their template'),
  pendingKept: counter('data sets that were kept until their template comes'),
  pendingDecoded: counter('data sets that were kept, and decoded when their template had come'),
  pendingDropped: loss('data sets without template that were given up: no room, or too old'),
  sequenceGaps: counter('gaps in sequence numbers that no late datagram has filled'),
  lostBeforeUs: loss(
    'what is missing by sequence numbers, lost before it was received: flows (v5), records (IPFIX), datagrams (v9, sFlow), or what the exporter really counts',
  ),
  outOfOrder: counter('datagrams that came late or twice by their sequence number'),
  restarts: counter('restarts of exporters, by sequence number and uptime'),
  discardedPackets: counter('packets that devices say they discarded (sFlow)'),
  agentDrops: loss('samples that exporters say they had to drop (sFlow)'),
  samplePool: counter('packets that could have been sampled, as exporters say (sFlow)'),
  samplingUnknown: counter('flow records of which no sampling rate is known'),
} as const satisfies Record<string, Description>;

export type CommonCounter = keyof typeof COMMON;
export type ProtocolCounter = keyof typeof PER_PROTOCOL;

const commonKeys = Object.keys(COMMON) as CommonCounter[];
const protocolKeys = Object.keys(PER_PROTOCOL) as ProtocolCounter[];

/** All of them, in the order of their words. */
export const DECODE_COUNTERS: readonly DecodeCounter[] = [
  ...commonKeys.map((key, word) => ({ key, word, ...COMMON[key] })),
  ...PROTOCOLS.flatMap((protocol, block) =>
    protocolKeys.map((key, i) => ({
      key,
      protocol,
      word: commonKeys.length + block * protocolKeys.length + i,
      ...PER_PROTOCOL[key],
    })),
  ),
];

/** Words of the counters that are of no protocol. */
export const COMMON_WORD = indexed(commonKeys);
/** Words of a protocol's counters, from the first of its block. */
export const PROTOCOL_WORD = indexed(protocolKeys);

/** The first word of a protocol's block. */
export function protocolBlock(protocol: FlowProtocol): number {
  return commonKeys.length + PROTOCOLS.indexOf(protocol) * protocolKeys.length;
}

/** Memory for all counters. */
export function makeDecodeCounters(): Float64Array {
  return new Float64Array(DECODE_COUNTERS.length);
}

/** Counts for one protocol, in memory that others read. */
export class ProtocolCounts {
  readonly #words: Float64Array;
  readonly #block: number;

  constructor(words: Float64Array, protocol: FlowProtocol) {
    this.#words = words;
    this.#block = protocolBlock(protocol);
  }

  add(key: ProtocolCounter, amount = 1): void {
    const word = this.#block + PROTOCOL_WORD[key];
    this.#words[word] = (this.#words[word] as number) + amount;
  }

  /** The same, quicker where keys differ from call to call. @param word one of PROTOCOL_WORD */
  bump(word: number, amount: number): void {
    const at = this.#block + word;
    this.#words[at] = (this.#words[at] as number) + amount;
  }

  /** What it is now. */
  get(key: ProtocolCounter): number {
    return this.#words[this.#block + PROTOCOL_WORD[key]] as number;
  }
}

function indexed<K extends string>(keys: readonly K[]): Readonly<Record<K, number>> {
  return Object.fromEntries(keys.map((key, i) => [key, i])) as Record<K, number>;
}
