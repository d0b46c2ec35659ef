import { FloxyError } from '../../src/base/errors.ts';
import type { ChangeOptions, ChangeResult, Control } from '../../src/control/control.ts';
import type { CollectorStatus } from '../../src/model/collector-status.ts';
import type { ExporterReport } from '../../src/model/exporter-status.ts';
import {
  EMPTY_RULE_SET,
  type Exporter,
  exporterKey,
  type NumberedRuleSet,
  type Output,
  type Rule,
  type RuleChange,
  type RuleSet,
} from '../../src/model/rules.ts';
import type {
  Counters,
  OutputStatistics,
  ProxyStatistics,
  RuleStatistics,
} from '../../src/model/statistics.ts';
import type { State } from '../../src/model/status.ts';
import { compareRules } from '../../src/rules/comparison.ts';
import { mergeChange, unknownExporters } from '../../src/rules/merge.ts';
import type { Unfit } from '../../src/rules/validate.ts';
import type { ForwarderStatus, SystemStatus } from '../../src/telemetry/status.ts';
import { NO_COUNTS } from '../support/counters.ts';

export const NO_COUNT: Counters = { packets: 0n, bytes: 0n };

export const FORWARDER: ForwarderStatus = {
  index: 0,
  pid: 4711,
  restarts: 2,
  ...NO_COUNTS,
  received: { packets: 18446744073709551615n, bytes: 9007199254740993n },
  droppedByRule: 3n,
  noEligibleCollector: 4n,
  truncated: 5n,
  kernelDrops: 6n,
  fragmented: 7n,
  fragments: 8n,
  sendRetries: 9n,
  sendErrors: [{ code: 'ENETUNREACH', count: 10n }],
};

/** Keeps rules in memory and knows nothing of packets. */
export class FakeControl implements Control {
  ruleSet: RuleSet = EMPTY_RULE_SET;
  revision = 0;
  state: State = 'OK';
  isDraining = false;
  /** Every input counter and every output counter. */
  counters: Counters = NO_COUNT;
  /** Thrown by the next calls of every method. */
  failure: Error | undefined;
  problem: string | undefined;
  isRestoring = false;
  collectorStatus: readonly CollectorStatus[] = [];
  forgotten = 0n;
  exporterReport: ExporterReport = { since: new Date(0), seen: [], silent: [], forgotten: 0n };
  unfitRules: Unfit = { rules: new Map(), defaultOutputs: new Map() };
  readonly #listeners = new Set<() => void>();

  rules(): NumberedRuleSet {
    this.#fail();
    return { revision: this.revision, ruleSet: this.ruleSet };
  }

  rulesProblem(): string | undefined {
    this.#fail();
    return this.problem;
  }

  restoring(): string | undefined {
    this.#fail();
    return this.isRestoring ? 'being restored' : undefined;
  }

  nodes(): readonly string[] {
    return ['this node'];
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** How many wait for a change. */
  get listeners(): number {
    return this.#listeners.size;
  }

  /** Of the last change. */
  options: ChangeOptions = {};

  async change(
    change: RuleChange,
    expectedRevision?: number,
    options: ChangeOptions = {},
  ): Promise<ChangeResult> {
    await Promise.resolve();
    this.#fail();
    this.options = options;
    if (expectedRevision !== undefined && expectedRevision !== this.revision) {
      const message = `the rules are at revision ${this.revision}, not ${expectedRevision}`;
      throw new FloxyError('REVISION_MISMATCH', message);
    }
    const ruleSet = mergeChange(this.ruleSet, change);
    const difference = await compareRules(this.ruleSet, ruleSet);
    if (options.isDryRun) return { revision: this.revision, difference };
    this.ruleSet = ruleSet;
    this.revision += 1;
    for (const listener of this.#listeners) listener();
    return { revision: this.revision, difference };
  }

  async statistics(exporters: readonly Exporter[]): Promise<ProxyStatistics> {
    await Promise.resolve();
    this.#fail();
    for (const exporter of exporters) this.#checkKnown(exporter);
    const asked = new Set(exporters.map(exporterKey));
    const rules = this.ruleSet.rules.filter(
      (rule) => asked.size === 0 || asked.has(exporterKey(rule.exporter)),
    );
    return {
      rules: rules.map((rule) => this.#ruleStatistics(rule)),
      defaultOutputs:
        asked.size > 0
          ? []
          : this.ruleSet.defaultOutputs.map((output) => this.#outputStatistics(output)),
      mismatched: this.counters,
    };
  }

  statisticsOf(rules: readonly Rule[]): ProxyStatistics {
    this.#fail();
    const present = new Set(this.ruleSet.rules.map(({ exporter }) => exporterKey(exporter)));
    return {
      rules: rules
        .filter(({ exporter }) => present.has(exporterKey(exporter)))
        .map((rule) => this.#ruleStatistics(rule)),
      defaultOutputs: this.ruleSet.defaultOutputs.map((output) => this.#outputStatistics(output)),
      mismatched: this.counters,
    };
  }

  async collectors(): Promise<readonly CollectorStatus[]> {
    await Promise.resolve();
    this.#fail();
    return this.collectorStatus;
  }

  forgottenCopies(): bigint {
    return this.forgotten;
  }

  async exporters(): Promise<ExporterReport> {
    await Promise.resolve();
    this.#fail();
    return this.exporterReport;
  }

  unfit(): Unfit {
    return this.unfitRules;
  }

  status(): SystemStatus {
    this.#fail();
    const proxy = this.state === 'OK' ? { state: this.state } : { state: this.state, error: 'why' };
    const { isDraining } = this;
    return { proxy, database: { state: 'OK' }, forwarders: [FORWARDER], isDraining };
  }

  setDraining(isDraining: boolean): void {
    this.#fail();
    this.isDraining = isDraining;
  }

  #fail(): void {
    if (this.failure !== undefined) throw this.failure;
  }

  #checkKnown(exporter: Exporter): void {
    const name = exporterKey(exporter);
    if (this.ruleSet.rules.some((rule) => exporterKey(rule.exporter) === name)) return;
    throw unknownExporters([name]);
  }

  #ruleStatistics({ exporter, outputs }: Rule): RuleStatistics {
    return {
      exporter,
      input: this.counters,
      outputs: outputs.map((output) => this.#outputStatistics(output)),
    };
  }

  #outputStatistics({ collectors, pipeline, sampleOneIn, filter }: Output): OutputStatistics {
    const leftOut = {
      ...(sampleOneIn !== undefined && { sampledOut: this.counters }),
      ...(filter !== undefined && { filteredOut: this.counters }),
    };
    if (collectors === undefined) {
      return { pipeline: { name: pipeline, output: this.counters }, ...leftOut };
    }
    return {
      collectors: collectors.map((collector) => ({ collector, output: this.counters })),
      ...leftOut,
    };
  }
}
