/**
 * Walks sFlow v5 datagrams (sflow.org/sflow_version_5.txt): header, samples, records. Every length is checked against
 * what it lies in: a record that is handed over is within its sample, and that within the datagram.
 */
import type { Packets } from '../../model/packets.ts';
import { MAPPED_IPV4, wordAt } from '../bytes/words.ts';
import { ProtocolCounts } from '../counters.ts';
import type { DatagramWalker } from '../datagram-walker.ts';
import type { SflowConsumer, SflowDatagram, SflowSample } from './consumer.ts';
import { SAMPLE_KIND } from './consumer.ts';
import { SflowSequences } from './sequences.ts';

/** Octets of the longest UDP payload, and so the most records that a sample can have. */
const LONGEST_DATAGRAM = 65_535;
const MOST_RECORDS = Math.ceil(LONGEST_DATAGRAM / 8);

/** Octets of samples before their records, by format: flow, counters, both expanded, discarded packet. */
const HEAD_LENGTHS: readonly number[] = [0, 32, 12, 44, 16, 32];

export class SflowWalker implements DatagramWalker {
  readonly #counts: ProtocolCounts;
  readonly #consumer: SflowConsumer;
  readonly #sequences: SflowSequences;
  readonly #datagram = makeDatagram();
  readonly #sample = makeSample();
  /** Whether nothing was wrong with the datagram so far. */
  #sound = true;
  /** Samples and flow samples of the datagram. */
  #samples = 0;
  #flowSamples = 0;

  /** @param counters memory of DECODE_COUNTERS */
  constructor(consumer: SflowConsumer, counters: Float64Array) {
    this.#consumer = consumer;
    this.#counts = new ProtocolCounts(counters, 'sflow');
    this.#sequences = new SflowSequences(this.#counts);
  }

  /** Rows are whole when datagram() has returned. */
  endBatch(): void {}

  datagram(packets: Packets, index: number): void {
    this.#counts.add('datagrams');
    this.#counts.add('bytes', packets.lengths[index]);
    const at = this.#readHeader(packets, index);
    if (at === 0) {
      this.#counts.add('truncated');
      return;
    }
    this.#sound = true;
    this.#samples = 0;
    this.#flowSamples = 0;
    this.#sequences.datagram(this.#datagram);
    this.#consumer.beginDatagram(this.#datagram);
    this.#walkSamples(at);
    this.#consumer.endDatagram(this.#datagram);
    this.#sequences.end();
    this.#counts.add('sets', this.#samples);
    this.#counts.add('records', this.#flowSamples);
    if (this.#sound) this.#counts.add('decodedDatagrams');
  }

  /** @returns where samples begin; 0 when the header is not one */
  #readHeader(packets: Packets, index: number): number {
    const datagram = this.#datagram;
    const { bytes } = packets;
    const start = packets.offsets[index] as number;
    const end = start + (packets.lengths[index] as number);
    datagram.bytes = bytes;
    datagram.start = start;
    datagram.end = end;
    if (end - start < 8 || wordAt(bytes, start) !== 5) return 0;
    const at = readAgent(datagram, start + 4);
    if (at === 0 || end - at < 16) return 0;
    datagram.subAgent = wordAt(bytes, at);
    datagram.sequence = wordAt(bytes, at + 4);
    datagram.uptimeMs = wordAt(bytes, at + 8);
    datagram.sampleCount = wordAt(bytes, at + 12);
    datagram.receivedMs = packets.receivedMs[index] as number;
    datagram.sourcePort = packets.ports[index] as number;
    for (let word = 0; word < 4; word++) {
      datagram.source[word] = packets.sources[index * 4 + word] as number;
    }
    return at + 16;
  }

  #walkSamples(first: number): void {
    const { bytes, end, sampleCount } = this.#datagram;
    let at = first;
    for (let left = sampleCount; left > 0; left--) {
      const length = end - at < 8 ? -1 : wordAt(bytes, at + 4);
      if (length < 0 || length > end - at - 8) {
        this.#sound = false;
        this.#counts.add('truncated');
        return;
      }
      this.#samples++;
      this.#walkSample(wordAt(bytes, at), at + 8, at + 8 + length);
      at += 8 + length;
    }
  }

  #walkSample(format: number, start: number, end: number): void {
    const head = HEAD_LENGTHS[format] ?? 0;
    const records = start + head;
    if (head === 0) this.#counts.add('unknownFormats');
    else if (records > end) this.#malformed();
    else {
      readHead(this.#sample, format, this.#datagram.bytes, start);
      this.#findRecords(records, end);
      this.#handOver();
    }
  }

  #handOver(): void {
    const sample = this.#sample;
    if (sample.kind === SAMPLE_KIND.counters) {
      this.#counts.add('optionRecords');
      this.#consumer.counterSample(this.#datagram, sample);
      return;
    }
    this.#flowSamples++;
    if (sample.kind === SAMPLE_KIND.discarded) this.#counts.add('discardedPackets');
    else {
      if (sample.samplingRate === 0) this.#counts.add('samplingUnknown');
      this.#sequences.sample(sample);
    }
    this.#consumer.flowSample(this.#datagram, sample);
  }

  /** Finds the records of the sample; their count is the word before the first. */
  #findRecords(first: number, end: number): void {
    const sample = this.#sample;
    const { bytes } = this.#datagram;
    const count = wordAt(bytes, first - 4);
    let at = first;
    let records = 0;
    while (records < count && records < MOST_RECORDS) {
      if (end - at < 8) break;
      const length = wordAt(bytes, at + 4);
      if (length > end - at - 8) break;
      sample.formats[records] = wordAt(bytes, at);
      sample.starts[records] = at + 8;
      at += 8 + length;
      sample.ends[records] = at;
      records++;
    }
    sample.records = records;
    if (records < count) this.#malformed();
  }

  #malformed(): void {
    this.#sound = false;
    this.#counts.add('badSample');
  }
}

/** @returns the offset behind the agent's address; 0 when it is cut or of a type that no one knows */
function readAgent(datagram: SflowDatagram, at: number): number {
  const { agent, bytes, end } = datagram;
  const type = wordAt(bytes, at);
  datagram.agentType = type;
  if (type === 1 && end - at >= 8) {
    agent[0] = 0;
    agent[1] = 0;
    agent[2] = MAPPED_IPV4;
    agent[3] = wordAt(bytes, at + 4);
    return at + 8;
  }
  if (type === 2 && end - at >= 20) {
    for (let word = 0; word < 4; word++) agent[word] = wordAt(bytes, at + 4 + word * 4);
    return at + 20;
  }
  if (type === 0) {
    agent.fill(0);
    return at + 4;
  }
  return 0;
}

/** Reads what a sample says before its records; it is as long as HEAD_LENGTHS has it. */
function readHead(sample: SflowSample, format: number, bytes: Uint8Array, at: number): void {
  switch (format) {
    case 1:
      sample.kind = SAMPLE_KIND.flow;
      readFlowHead(sample, bytes, at);
      break;
    case 2:
      sample.kind = SAMPLE_KIND.counters;
      readSource(sample, bytes, at);
      break;
    case 3:
      sample.kind = SAMPLE_KIND.flow;
      readExpandedFlowHead(sample, bytes, at);
      break;
    case 4:
      sample.kind = SAMPLE_KIND.counters;
      readExpandedSource(sample, bytes, at);
      break;
    default:
      sample.kind = SAMPLE_KIND.discarded;
      readDiscardedHead(sample, bytes, at);
  }
}

function readSource(sample: SflowSample, bytes: Uint8Array, at: number): void {
  sample.sequence = wordAt(bytes, at);
  const source = wordAt(bytes, at + 4);
  sample.sourceClass = source >>> 24;
  sample.sourceIndex = source & 0xffffff;
}

function readExpandedSource(sample: SflowSample, bytes: Uint8Array, at: number): void {
  sample.sequence = wordAt(bytes, at);
  sample.sourceClass = wordAt(bytes, at + 4);
  sample.sourceIndex = wordAt(bytes, at + 8);
}

function readSampling(sample: SflowSample, bytes: Uint8Array, at: number): void {
  sample.samplingRate = wordAt(bytes, at);
  sample.samplePool = wordAt(bytes, at + 4);
  sample.drops = wordAt(bytes, at + 8);
  sample.reason = 0;
}

/** Interfaces of two words in all: the format is the upper two bits of each. */
function readInterfaces(sample: SflowSample, bytes: Uint8Array, at: number): void {
  const input = wordAt(bytes, at);
  const output = wordAt(bytes, at + 4);
  sample.inputFormat = input >>> 30;
  sample.input = input & 0x3fffffff;
  sample.outputFormat = output >>> 30;
  sample.output = output & 0x3fffffff;
}

function readFlowHead(sample: SflowSample, bytes: Uint8Array, at: number): void {
  readSource(sample, bytes, at);
  readSampling(sample, bytes, at + 8);
  readInterfaces(sample, bytes, at + 20);
}

function readExpandedFlowHead(sample: SflowSample, bytes: Uint8Array, at: number): void {
  readExpandedSource(sample, bytes, at);
  readSampling(sample, bytes, at + 12);
  sample.inputFormat = wordAt(bytes, at + 24);
  sample.input = wordAt(bytes, at + 28);
  sample.outputFormat = wordAt(bytes, at + 32);
  sample.output = wordAt(bytes, at + 36);
}

function readDiscardedHead(sample: SflowSample, bytes: Uint8Array, at: number): void {
  readExpandedSource(sample, bytes, at);
  sample.samplingRate = 1;
  sample.samplePool = 0;
  sample.drops = wordAt(bytes, at + 12);
  sample.inputFormat = 0;
  sample.input = wordAt(bytes, at + 16);
  sample.outputFormat = 0;
  sample.output = wordAt(bytes, at + 20);
  sample.reason = wordAt(bytes, at + 24);
}

function makeDatagram(): SflowDatagram {
  return {
    bytes: new Uint8Array(0),
    start: 0,
    end: 0,
    receivedMs: 0,
    source: new Uint32Array(4),
    sourcePort: 0,
    agentType: 0,
    agent: new Uint32Array(4),
    subAgent: 0,
    sequence: 0,
    uptimeMs: 0,
    sampleCount: 0,
  };
}

function makeSample(): SflowSample {
  return {
    kind: 0,
    sequence: 0,
    sourceClass: 0,
    sourceIndex: 0,
    samplingRate: 0,
    samplePool: 0,
    drops: 0,
    inputFormat: 0,
    input: 0,
    outputFormat: 0,
    output: 0,
    reason: 0,
    records: 0,
    formats: new Uint32Array(MOST_RECORDS),
    starts: new Uint32Array(MOST_RECORDS),
    ends: new Uint32Array(MOST_RECORDS),
  };
}
