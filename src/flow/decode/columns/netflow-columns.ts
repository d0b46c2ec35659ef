import { FLOW_TYPE } from '../../model/columns.ts';
import type { FlowProtocol } from '../../model/packets.ts';
import type { BatchWriter } from '../batch-writer.ts';
import { PROTOCOL_WORD, ProtocolCounts } from '../counters.ts';
import { fieldNumber } from '../field-values.ts';
import type { MessageHeader, RecordConsumer } from '../record-consumer.ts';
import type { AddressWords, Exporter, Session } from '../session.ts';
import type { RecordSet, Template } from '../template.ts';
import type { ExtraColumn } from './extra-columns.ts';
import type { Kernel } from './kernels.ts';
import { type Plan, Planner } from './plan.ts';
import { type SamplingOverride, SamplingOverrides } from './sampling-overrides.ts';
import type { MessageClock } from './time-kernels.ts';

export interface NetflowColumnsOptions {
  /** Memory of DECODE_COUNTERS. */
  readonly counters: Float64Array;
  /** The user's own columns: those of the writer's batch, in the same order (columnsOf). */
  readonly extras?: readonly ExtraColumn[];
  readonly sampling?: readonly SamplingOverride[];
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** Plans that templates with the same fields share. */
const SHARED_PLANS = 1024;
/** Sampling interval of a v5 header: what is below its two bits of mode. */
const NETFLOW5_INTERVAL = 0x3fff;

/** Writes records of NetFlow v5, v9 and IPFIX as rows of flow, column by column. */
export class NetflowColumns implements RecordConsumer {
  readonly #writer: BatchWriter;
  readonly #planner: Planner;
  readonly #plans = new WeakMap<Template, Plan>();
  readonly #sharedPlans = new Map<string, Plan>();
  readonly #clock: Writable<MessageClock> = {
    exportMs: 0,
    sysUptime: 0,
    systemInitMs: 0,
    hasUptime: false,
  };
  readonly #counts: Readonly<Record<FlowProtocol, ProtocolCounts>>;
  readonly #overrides: SamplingOverrides | undefined;
  readonly #overridden = new WeakMap<Exporter, number>();
  #header: MessageHeader | undefined;
  #session: Session | undefined;
  #address: AddressWords = [0, 0, 0, 0];

  constructor(
    writer: BatchWriter,
    { counters, extras = [], sampling = [] }: NetflowColumnsOptions,
  ) {
    this.#writer = writer;
    this.#planner = new Planner(writer.batch, this.#clock, extras);
    this.#overrides = sampling.length > 0 ? new SamplingOverrides(sampling) : undefined;
    this.#counts = {
      netflow5: new ProtocolCounts(counters, 'netflow5'),
      netflow9: new ProtocolCounts(counters, 'netflow9'),
      ipfix: new ProtocolCounts(counters, 'ipfix'),
      sflow: new ProtocolCounts(counters, 'sflow'),
    };
  }

  begin(header: MessageHeader, session: Session): void {
    this.#header = header;
    this.#session = session;
    this.#address = session.exporter.address;
    const clock = this.#clock;
    clock.exportMs = header.exportSeconds * 1000 + header.exportNanoseconds / 1_000_000;
    clock.sysUptime = header.sysUptime;
    clock.hasUptime = header.version !== 10;
    clock.systemInitMs = session.systemInitMs;
  }

  records(template: Template, set: RecordSet): void {
    const plan = this.#plan(template);
    const { kernels } = plan;
    const { batch } = this.#writer;
    let from = 0;
    while (from < set.count) {
      const count = Math.min(this.#writer.room(), set.count - from);
      const row = batch.rows;
      this.#constants(row, count);
      for (let i = 0; i < kernels.length; i++) (kernels[i] as Kernel)(set, from, count, row);
      this.#rates(plan, set, from, count, row);
      batch.rows = row + count;
      from += count;
    }
  }

  options(): void {}

  end(): void {}

  #plan(template: Template): Plan {
    const known = this.#plans.get(template);
    if (known !== undefined) return known;
    const plan = this.#sharedPlan(template);
    this.#plans.set(template, plan);
    return plan;
  }

  /** Ids of templates differ between exporters; what they say is often the same. */
  #sharedPlan(template: Template): Plan {
    const { raw, version } = template;
    const key = `${version} ${Buffer.from(raw.buffer, raw.byteOffset + 2, raw.length - 2).toString('latin1')}`;
    const known = this.#sharedPlans.get(key);
    if (known !== undefined) return known;
    const plan = this.#planner.plan(template);
    if (this.#sharedPlans.size === SHARED_PLANS) {
      const [oldest = ''] = this.#sharedPlans.keys();
      this.#sharedPlans.delete(oldest);
    }
    this.#sharedPlans.set(key, plan);
    return plan;
  }

  /** What is the same for all records of a message. */
  #constants(row: number, count: number): void {
    const header = this.#header;
    const session = this.#session;
    if (header === undefined || session === undefined) return;
    const { columns } = this.#writer.batch;
    const { type, timeReceived, sequenceNum, samplerAddress, samplerPort, observationDomainId } =
      columns;
    const [first, second, third, fourth] = this.#address;
    const { receivedMs, sequence, domain } = header;
    const flowType = FLOW_TYPE[header.protocol];
    const { port } = session;
    for (let i = row; i < row + count; i++) {
      type[i] = flowType;
      timeReceived[i] = receivedMs;
      sequenceNum[i] = sequence;
      samplerPort[i] = port;
      observationDomainId[i] = domain;
      samplerAddress[i * 4] = first;
      samplerAddress[i * 4 + 1] = second;
      samplerAddress[i * 4 + 2] = third;
      samplerAddress[i * 4 + 3] = fourth;
    }
  }

  #rates(plan: Plan, set: RecordSet, from: number, count: number, row: number): void {
    const header = this.#header;
    const session = this.#session;
    if (header === undefined || session === undefined) return;
    const forced = this.#overrides === undefined ? 0 : this.#overrideOf(session.exporter);
    const common = forced || header.sampling & NETFLOW5_INTERVAL;
    const { samplingRate } = this.#writer.batch.columns;
    const { sampler, hasRate } = plan;
    // What the records themselves say is in the column already.
    if (common !== 0 && !(hasRate && forced === 0)) samplingRate.fill(common, row, row + count);
    else if (sampler)
      fillBySampler(samplingRate, row, count, (i) =>
        session.samplingRate(fieldNumber(set, from + i, sampler)),
      );
    else fillWhereZero(samplingRate, row, count, common || session.samplingRate(0));
    const unknown = zerosIn(samplingRate, row, count);
    if (unknown > 0) this.#counts[header.protocol].bump(PROTOCOL_WORD.samplingUnknown, unknown);
  }

  #overrideOf(exporter: Exporter): number {
    const known = this.#overridden.get(exporter);
    if (known !== undefined) return known;
    const rate = this.#overrides?.rateOf(exporter.address) ?? 0;
    this.#overridden.set(exporter, rate);
    return rate;
  }
}

function fillWhereZero(out: Uint32Array, row: number, count: number, value: number): void {
  for (let i = row; i < row + count; i++) if (out[i] === 0) out[i] = value;
}

function fillBySampler(
  out: Uint32Array,
  row: number,
  count: number,
  rateOf: (record: number) => number,
): void {
  for (let i = 0; i < count; i++) if (out[row + i] === 0) out[row + i] = rateOf(i);
}

function zerosIn(column: Uint32Array, row: number, count: number): number {
  let zeros = 0;
  for (let i = row; i < row + count; i++) if (column[i] === 0) zeros++;
  return zeros;
}
