import { ownOctets } from '../../../base/octets.ts';
import type { SflowConsumer, SflowDatagram, SflowSample } from '../../decode/sflow/consumer.ts';
import { INTERFACE_FORMAT, SAMPLE_KIND } from '../../decode/sflow/consumer.ts';
import { FLOW_RECORD } from '../../decode/sflow/formats.ts';
import { RecentKeys } from '../../decode/sflow/recent-keys.ts';
import { COUNTER_RECORDS, FLOW_RECORDS } from '../../decode/sflow/structures/catalogue.ts';
import { putUint } from '../digits.ts';
import { type Literal, makeLiteral, OVERRUN, putLiteral } from '../literal.ts';
import { GrowingBuffer, type TextOutput } from '../sflow/growing-buffer.ts';
import { exporterName } from './exporter-name.ts';
import type { MessageBuffer } from './message-buffer.ts';
import { SampleRecords } from './sample-records.ts';
import { SampledHeaderJson } from './sampled-header.ts';

/** Agents whose names are kept as text. */
const AGENTS = 4096;

type Part<T> = readonly [key: Literal, value: (of: T) => number];

function parts<T>(values: Readonly<Record<string, (of: T) => number>>): readonly Part<T>[] {
  return Object.entries(values).map(([key, value], i) => [
    makeLiteral(`${i === 0 ? '{' : ','}"${key}":`),
    value,
  ]);
}

const DATAGRAM = parts<SflowDatagram>({
  Version: () => 5,
  IPVersion: ({ agentType }) => agentType,
  AgentSubID: ({ subAgent }) => subAgent,
  SequenceNo: ({ sequence }) => sequence,
  SysUpTime: ({ uptimeMs }) => uptimeMs,
  SamplesNo: ({ sampleCount }) => sampleCount,
});

/** `SourceID` is the class of the data source alone, as in vFlow. */
const FLOW = {
  SequenceNo: ({ sequence }: SflowSample) => sequence,
  SourceID: ({ sourceClass }: SflowSample) => sourceClass,
  SamplingRate: ({ samplingRate }: SflowSample) => samplingRate,
  SamplePool: ({ samplePool }: SflowSample) => samplePool,
  Drops: ({ drops }: SflowSample) => drops,
  Input: (sample: SflowSample) => interfaceValue(sample.inputFormat, sample.input),
  Output: (sample: SflowSample) => interfaceValue(sample.outputFormat, sample.output),
  RecordsNo: ({ records }: SflowSample) => records,
};

const FLOW_SAMPLE = parts<SflowSample>(FLOW);
const DISCARDED_PACKET = parts<SflowSample>({ Reason: ({ reason }) => reason, ...FLOW });

const COUNTER_SAMPLE = parts<SflowSample>({
  SequenceNo: ({ sequence }) => sequence,
  SourceIDType: ({ sourceClass }) => sourceClass,
  SourceIDIdx: ({ sourceIndex }) => sourceIndex,
  RecordsNo: ({ records }) => records,
});

const SAMPLES = makeLiteral(',"Samples":[');
const COUNTERS = makeLiteral('],"Counters":[');
const RECORDS = makeLiteral(',"Records":{');
const END_OF_SAMPLE = makeLiteral('}}');
const COMMA = makeLiteral(',');
const ADDRESS = makeLiteral('],"IPAddress":"');
const TIME = makeLiteral('","ColTime":');
const END = makeLiteral('}');
/** Of a datagram or a sample without its records. */
const HEAD_ROOM = 1024;

interface Agent {
  readonly name: Literal;
  readonly key: Buffer;
}

/** Writes sFlow v5 as vFlow's JSON: a message for each datagram that has samples. */
export class SflowVflowJson implements SflowConsumer {
  readonly #out: MessageBuffer;
  readonly #counterText = new GrowingBuffer();
  readonly #flowRecords: SampleRecords;
  readonly #counterRecords: SampleRecords;
  readonly #agentKeys = new RecentKeys(AGENTS, 4);
  readonly #agents: Agent[] = [];
  #flows = 0;
  #counters = 0;

  constructor(out: MessageBuffer) {
    this.#out = out;
    const header = new SampledHeaderJson();
    this.#flowRecords = new SampleRecords(FLOW_RECORDS, {
      format: FLOW_RECORD.header,
      name: 'RawHeader',
      least: 16,
      put: (to, bytes, start, end) => header.put(to, bytes, start, end),
    });
    this.#counterRecords = new SampleRecords(COUNTER_RECORDS);
  }

  beginDatagram(datagram: SflowDatagram): void {
    // A message that was never ended: what wrote it was stopped by an exception.
    if (this.#out.messageBytes > 0) this.#out.dropMessage(this.#flows + this.#counters);
    this.#flows = 0;
    this.#counters = 0;
    this.#counterText.at = 0;
    const view = this.#out.ensure(HEAD_ROOM);
    this.#out.at = putLiteral(view, putParts(view, this.#out.at, DATAGRAM, datagram), SAMPLES);
  }

  flowSample({ bytes }: SflowDatagram, sample: SflowSample): void {
    const discarded = sample.kind === SAMPLE_KIND.discarded;
    const head = discarded ? DISCARDED_PACKET : FLOW_SAMPLE;
    putSample(this.#out, head, bytes, sample, this.#flows > 0, this.#flowRecords);
    this.#flows++;
    this.#out.records++;
  }

  counterSample({ bytes }: SflowDatagram, sample: SflowSample): void {
    const isNext = this.#counters > 0;
    putSample(this.#counterText, COUNTER_SAMPLE, bytes, sample, isNext, this.#counterRecords);
    this.#counters++;
    this.#out.records++;
  }

  endDatagram(datagram: SflowDatagram): void {
    const samples = this.#flows + this.#counters;
    if (samples === 0) {
      this.#out.dropMessage(0);
      return;
    }
    const { bytes, at } = this.#counterText;
    const agent = this.#agentOf(datagram);
    const view = this.#out.ensure(HEAD_ROOM + at + agent.name.length);
    let next = putLiteral(view, this.#out.at, COUNTERS);
    new Uint8Array(view.buffer, view.byteOffset).set(bytes.subarray(0, at), next);
    next = putLiteral(view, putLiteral(view, next + at, ADDRESS), agent.name);
    const seconds = Math.floor(datagram.receivedMs / 1000);
    next = putUint(view, putLiteral(view, next, TIME), seconds);
    this.#out.at = putLiteral(view, next, END);
    this.#out.endMessage(agent.key);
  }

  #agentOf({ agent, agentType, source }: SflowDatagram): Agent {
    const words = agentType === 0 ? source : agent;
    const slot = this.#agentKeys.slot(words);
    const known = this.#agents[slot];
    if (known !== undefined && !this.#agentKeys.isNew) return known;
    const name = exporterName(words);
    const made = { name: makeLiteral(name), key: ownOctets(name) };
    this.#agents[slot] = made;
    return made;
  }
}

/** One word, as samples that are not expanded have it. */
function interfaceValue(format: number, value: number): number {
  return format === INTERFACE_FORMAT.index ? value : ((format << 30) | value) >>> 0;
}

function putParts<T>(view: DataView, at: number, head: readonly Part<T>[], of: T): number {
  let next = at;
  for (const [key, value] of head) next = putUint(view, putLiteral(view, next, key), value(of));
  return next;
}

function putSample(
  out: TextOutput,
  head: readonly Part<SflowSample>[],
  bytes: Uint8Array,
  sample: SflowSample,
  isNext: boolean,
  records: SampleRecords,
): void {
  const view = out.ensure(HEAD_ROOM);
  const at = isNext ? putLiteral(view, out.at, COMMA) : out.at;
  out.at = putLiteral(view, putParts(view, at, head, sample), RECORDS);
  records.put(out, bytes, sample);
  out.at = putLiteral(out.ensure(END_OF_SAMPLE.length + OVERRUN), out.at, END_OF_SAMPLE);
}
