import type { Logger } from 'pino';
import { FloxyError } from '../base/errors.ts';
import type { DataPlane, PreparedRules, RuleSetCounters, Sightings } from '../control/ports.ts';
import type { CaptureListener, PacketCapture } from '../model/capture.ts';
import type { SendLoss } from '../model/collector-status.ts';
import type { Exporter, Rule, RuleChange, RuleSet } from '../model/rules.ts';
import type { SubsystemStatus } from '../model/status.ts';
import type { RuleSlots } from '../table/assigned.ts';
import { type GrownLoss, LossLog } from '../telemetry/loss-log.ts';
import type {
  EndedForwarders,
  ForwarderStatus,
  KernelEngineStatus,
  ListenerStatus,
} from '../telemetry/status.ts';
import type { Engine } from './engine.ts';
import type { CounterColumns } from './memory/counter-columns.ts';
import { ForwarderNotes } from './memory/forwarder-notes.ts';
import type { PacketRing } from './memory/packet-rings.ts';
import type { PreparedTable, RulePublisher } from './rule-publisher.ts';

const LOSS_LOG_INTERVAL_MS = 10_000;

/** Forwarders take a table within seconds; those that do not are replaced within some ten. */
const PUBLISH_LIMIT_MS = 60_000;

const OFF = {
  state: 'Offline',
  error: 'the proxy is off: set COLLECTOR_FLOXY_ADDRESS to receive flow, such as [::]:2055',
} as const satisfies SubsystemStatus;

export interface PlaneOptions {
  /** None: the proxy is off. */
  readonly engines: readonly Engine[];
  readonly publisher: RulePublisher;
  readonly columns: CounterColumns;
  readonly log: Logger;
  /** Is told what was lost since it was told last, every ten seconds. */
  readonly onLosses?: (losses: readonly GrownLoss[]) => void;
}

/** The data plane: rule sets become tables, and engines move packets by them. */
export class Plane implements DataPlane, PacketCapture {
  readonly #engines: readonly Engine[];
  readonly #publisher: RulePublisher;
  readonly #columns: CounterColumns;
  readonly #notes: ForwarderNotes;
  readonly #lossLog: LossLog;
  readonly #onLosses: NonNullable<PlaneOptions['onLosses']>;
  #lossTimer: NodeJS.Timeout | undefined;
  /** An earlier control left a table that packets are moved by. */
  #hasInherited = false;
  /** The rules that are in force, or are being put in force. */
  #latest: PreparedTable | undefined;
  /** Of the latest rules; undefined before there were any. */
  #pipelines: ReadonlyMap<string, number> | undefined;
  readonly #pipelineListeners: (() => void)[] = [];
  /** Resolves when they are. */
  #published: Promise<void> = Promise.resolve();
  /** Since when forwarders are waited for, by performance.now(). */
  #publishingSinceMs: number | undefined;

  constructor({ engines, publisher, columns, log, onLosses = () => undefined }: PlaneOptions) {
    this.#onLosses = onLosses;
    this.#engines = engines;
    this.#publisher = publisher;
    this.#columns = columns;
    this.#notes = new ForwarderNotes(columns);
    this.#lossLog = new LossLog(log, this.#notes);
  }

  async start(): Promise<void> {
    this.#publisher.start();
    for (const engine of this.#engines) {
      const inherited = await engine.start(this.#publisher.sharedMemory);
      if (inherited !== undefined) {
        this.#publisher.adopt(inherited);
        this.#hasInherited = true;
      }
      void engine.opened.then(() => this.#engineOpened());
    }
    this.#lossTimer = setInterval(
      () => this.#onLosses(this.#lossLog.report(this.forwarders())),
      LOSS_LOG_INTERVAL_MS,
    );
  }

  /** Ends control of the engines and leaves them to the next control. */
  leave(): void {
    clearInterval(this.#lossTimer);
    for (const engine of this.#engines) engine.leave();
  }

  async stop(): Promise<void> {
    clearInterval(this.#lossTimer);
    await Promise.all(this.#engines.map((engine) => engine.stop()));
    this.#lossLog.report(this.forwarders());
    this.#columns.close();
    this.#publisher.close();
  }

  status(): SubsystemStatus {
    if (this.#engines.length === 0) return OFF;
    const all = this.#engines.map((engine) => engine.status());
    const offline = all.find(({ state }) => state === 'Offline');
    if (offline !== undefined) return offline;
    if (this.#latest === undefined && !this.#hasInherited) return { state: 'Configuring' };
    return all.find(({ state }) => state !== 'OK') ?? { state: 'OK' };
  }

  /** Why control has to be started again, as nothing in it will mend that; undefined when all goes on. */
  fault(): string | undefined {
    const waitedMs = performance.now() - (this.#publishingSinceMs ?? Number.POSITIVE_INFINITY);
    if (waitedMs < PUBLISH_LIMIT_MS) return undefined;
    return `forwarders have not taken a table for ${Math.floor(waitedMs / 1000)} s`;
  }

  inForce(): boolean {
    return this.#hasInherited && this.#latest === undefined;
  }

  listeners(): readonly ListenerStatus[] {
    return this.#engines.flatMap((engine) => engine.listeners());
  }

  kernelEngine(): KernelEngineStatus | undefined {
    return this.#engines[0]?.kernelEngine();
  }

  forwarders(): readonly ForwarderStatus[] {
    return this.#engines.flatMap((engine) => engine.forwarders());
  }

  endedForwarders(): EndedForwarders | undefined {
    return this.#engines
      .find((engine) => engine.endedForwarders() !== undefined)
      ?.endedForwarders();
  }

  get listenPorts(): readonly number[] {
    return this.#publisher.listenPorts;
  }

  sendLosses(): readonly SendLoss[] {
    return this.#notes.sendLosses();
  }

  forgottenCopies(): bigint {
    return this.#notes.forgottenCopies();
  }

  async sightings(): Promise<Sightings> {
    const { since, ...sightings } = await this.#notes.sightings();
    // When counts were lost, notes were lost with them.
    const countedSince = this.endedForwarders()?.countedSince ?? since;
    return { ...sightings, since: countedSince > since ? countedSince : since };
  }

  /** @throws FloxyError LIMIT_EXCEEDED, and NOT_READY while the proxy is off */
  async capture(exporter: Partial<Exporter>, listener: CaptureListener): Promise<() => void> {
    const [engine] = this.#engines;
    if (engine === undefined) throw new FloxyError('NOT_READY', OFF.error);
    return engine.capture(exporter, listener);
  }

  /** Where pipelines find the packets that they get; none before it has started. */
  rings(): readonly PacketRing[] {
    return this.#engines.flatMap((engine) => engine.rings());
  }

  /** The bit of each pipeline in packets: of those that rules in force name, or rules about to be. */
  pipelines(): ReadonlyMap<string, number> {
    return this.#pipelines ?? this.#publisher.pipelines;
  }

  /**
   * The listener is told whenever pipelines() has changed: before packets come that are marked so. A pipeline that is new
   * misses none whose readers begin in it (RingReaderStates.begin).
   */
  onPipelines(listener: () => void): void {
    this.#pipelineListeners.push(listener);
  }

  async prepare(ruleSet: RuleSet, change?: RuleChange): Promise<PreparedRules> {
    const edit = change?.kind === 'edit' ? change : undefined;
    const prepared = await this.#publisher.prepare(ruleSet, edit);
    return {
      putInForce: async () => {
        this.#latest = prepared;
        this.#announcePipelines(prepared);
        await this.#publishLatest();
        prepared.commit();
        return this.#counters();
      },
      discard: () => prepared.discard(),
    };
  }

  /** Collectors that packets do not go to while others serve, by watchKey(): also what the control before knew of it. */
  get down(): ReadonlySet<string> {
    return this.#publisher.down;
  }

  /** Resolves when packets are moved so. Rules, what they count and the turns of others stay as they are (spec H4). */
  async setDown(down: ReadonlySet<string>): Promise<void> {
    this.#publisher.down = down;
    await this.#publishLatest();
  }

  #announcePipelines({ pipelines }: PreparedTable): void {
    const before = this.pipelines();
    this.#pipelines = pipelines;
    const isSame = ([name, index]: readonly [string, number]) => before.get(name) === index;
    if (before.size === pipelines.size && [...pipelines].every(isSame)) return;
    for (const listener of this.#pipelineListeners) listener();
  }

  #engineOpened(): Promise<void> {
    this.#lossLog.skip(this.forwarders());
    return this.#publishLatest();
  }

  /** One after the other: rules never go back. */
  #publishLatest(): Promise<void> {
    const published = this.#published.then(() => this.#publish());
    this.#published = published.catch(() => undefined);
    return published;
  }

  async #publish(): Promise<void> {
    if (this.#latest === undefined) return;
    const table = await this.#latest.write(this.#probes());
    this.#publishingSinceMs = performance.now();
    try {
      await Promise.all(this.#engines.map((engine) => engine.publish(table)));
      this.#publisher.settle();
    } finally {
      this.#publishingSinceMs = undefined;
    }
  }

  #probes(): readonly Rule[] {
    return this.#engines.flatMap(({ probes }) => probes);
  }

  #counters(): RuleSetCounters {
    const sum = (slot: number) => this.#columns.sum(slot);
    const ofOutputs = (slots: RuleSlots) =>
      slots.outputs.map(({ collectors }) => collectors.map(sum));
    const leftOut = (slots: RuleSlots) =>
      slots.outputs.map(({ state }) => this.#columns.leftOut(state));
    const slotsOf = (rule: Rule) => {
      const slots = this.#publisher.rule(rule.exporter);
      if (slots === undefined) throw new Error('a rule that is not in force has no counters');
      return slots;
    };
    return {
      input: (rule) => sum(slotsOf(rule).input),
      outputs: (rule) => ofOutputs(slotsOf(rule)),
      defaultOutputs: () => ofOutputs(this.#publisher.defaults),
      leftOut: (rule) => leftOut(slotsOf(rule)),
      leftOutByDefault: () => leftOut(this.#publisher.defaults),
      mismatched: () => sum(this.#publisher.defaults.input),
    };
  }
}
