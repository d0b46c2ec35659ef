import { FLOW_TYPE } from '../../model/columns.ts';
import type { BatchWriter } from '../batch-writer.ts';
import type { TunnelLayer } from '../headers/header-parser.ts';
import type { MessageHeader, RecordConsumer } from '../record-consumer.ts';
import type { Session } from '../session.ts';
import type { RecordSet, Template } from '../template.ts';
import type { ExtraColumn } from './extra-columns.ts';
import { Gathering, Group } from './gathering.ts';
import { type Plan, Planner } from './plan.ts';
import { SamplingColumn } from './sampling-column.ts';
import type { SamplingOverride } from './sampling-overrides.ts';
import type { MessageClock } from './time-kernels.ts';

export interface NetflowColumnsOptions {
  /** Memory of DECODE_COUNTERS. */
  readonly counters: Float64Array;
  /** The user's own columns: those of the writer's batch, in the same order (columnsOf). */
  readonly extras?: readonly ExtraColumn[];
  readonly sampling?: readonly SamplingOverride[];
  /** Which packet counts when a sampled one carries another (dataLinkFrameSection, ipHeaderPacketSection). */
  readonly tunnelLayer?: TunnelLayer;
}

/** What is made of a template's records, and those that wait for it. */
interface Way {
  readonly plan: Plan;
  readonly group: Group;
}

/** Ways that templates with the same fields share. */
const SHARED_WAYS = 1024;

/** Writes records of NetFlow v5, v9 and IPFIX as rows of flow, column by column. */
export class NetflowColumns implements RecordConsumer {
  readonly #writer: BatchWriter;
  readonly #planner: Planner;
  readonly #ways = new WeakMap<Template, Way>();
  readonly #sharedWays = new Map<string, Way>();
  readonly #clock: MessageClock;
  readonly #gathering = new Gathering();
  readonly #sampling: SamplingColumn;
  #header: MessageHeader | undefined;
  #session: Session | undefined;
  #exportMs = 0;

  constructor(
    writer: BatchWriter,
    { counters, extras = [], sampling = [], tunnelLayer }: NetflowColumnsOptions,
  ) {
    this.#writer = writer;
    const { capacity } = writer.batch;
    this.#clock = {
      exportMs: new Float64Array(capacity),
      sysUptime: new Uint32Array(capacity),
      systemInitMs: new Float64Array(capacity),
    };
    this.#planner = new Planner(writer.batch, this.#clock, extras, tunnelLayer);
    writer.beforeHandOn(() => this.#gathering.complete());
    this.#sampling = new SamplingColumn(writer.batch.columns.samplingRate, counters, sampling);
  }

  begin(header: MessageHeader, session: Session): void {
    this.#header = header;
    this.#session = session;
    this.#exportMs = header.exportSeconds * 1000 + header.exportNanoseconds / 1_000_000;
  }

  records(template: Template, set: RecordSet): void {
    const header = this.#header;
    const session = this.#session;
    if (header === undefined || session === undefined) return;
    const way = this.#way(template);
    const { batch } = this.#writer;
    let from = 0;
    while (from < set.count) {
      if (this.#gathering.room === 0) this.#gathering.complete();
      const count = Math.min(this.#writer.room(), this.#gathering.room, set.count - from);
      const row = batch.rows;
      this.#constants(header, session, row, count);
      this.#sampling.fill(way.plan, header, session, set, from, count, row);
      this.#gathering.add(way.group, set, from, count, row);
      batch.rows = row + count;
      from += count;
    }
  }

  endBatch(): void {
    this.#gathering.complete();
  }

  options(): void {}

  end(): void {}

  #way(template: Template): Way {
    const known = this.#ways.get(template);
    if (known !== undefined) return known;
    const way = this.#sharedWay(template);
    this.#ways.set(template, way);
    return way;
  }

  /** Ids of templates differ between exporters; what they say is often the same. */
  #sharedWay(template: Template): Way {
    const { raw, version } = template;
    const key = `${version} ${Buffer.from(raw.buffer, raw.byteOffset + 2, raw.length - 2).toString('latin1')}`;
    const known = this.#sharedWays.get(key);
    if (known !== undefined) return known;
    const plan = this.#planner.plan(template);
    const way = { plan, group: new Group(template, plan.kernels) };
    if (this.#sharedWays.size === SHARED_WAYS) {
      const [oldest = ''] = this.#sharedWays.keys();
      this.#sharedWays.delete(oldest);
    }
    this.#sharedWays.set(key, way);
    return way;
  }

  /** What is the same for all records of a message. */
  #constants(header: MessageHeader, session: Session, row: number, count: number): void {
    const { columns } = this.#writer.batch;
    const { type, timeReceived, sequenceNum, samplerAddress, samplerPort, observationDomainId } =
      columns;
    const { address } = session.exporter;
    const first = address[0];
    const second = address[1];
    const third = address[2];
    const fourth = address[3];
    const { exportMs, sysUptime, systemInitMs } = this.#clock;
    const sentMs = this.#exportMs;
    const uptime = header.sysUptime;
    const initMs = session.systemInitMs;
    const { receivedMs, sequence, domain } = header;
    const flowType = FLOW_TYPE[header.protocol];
    const { port } = session;
    for (let i = row; i < row + count; i++) {
      type[i] = flowType;
      timeReceived[i] = receivedMs;
      sequenceNum[i] = sequence;
      samplerPort[i] = port;
      observationDomainId[i] = domain;
      exportMs[i] = sentMs;
      sysUptime[i] = uptime;
      systemInitMs[i] = initMs;
      samplerAddress[i * 4] = first;
      samplerAddress[i * 4 + 1] = second;
      samplerAddress[i * 4 + 2] = third;
      samplerAddress[i * 4 + 3] = fourth;
    }
  }
}
