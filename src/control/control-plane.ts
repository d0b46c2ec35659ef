import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import { FloxyError } from '../base/errors.ts';
import type { CollectorStatus } from '../model/collector-status.ts';
import type { ExporterReport } from '../model/exporter-status.ts';
import {
  EMPTY_RULE_SET,
  type Exporter,
  type FollowedRevision,
  type LeaderRevision,
  type NumberedRuleSet,
  type Revision,
  type Rule,
  type RuleChange,
  type RuleSet,
} from '../model/rules.ts';
import type { ProxyStatistics } from '../model/statistics.ts';
import { compareRules, isNoDifference, type RulesDifference } from '../rules/comparison.ts';
import { mergeChange } from '../rules/merge.ts';
import { sizeOf, undoOf } from '../rules/undo.ts';
import { checkLimits, validateChange } from '../rules/validate.ts';
import type { SystemStatus } from '../telemetry/status.ts';
import { ChangeQueue } from './change-queue.ts';
import type { ChangeOptions, ChangeResult, Control, ControlPlaneOptions } from './control.ts';
import { checkMemory } from './memory.ts';
import { nextRevision } from './next-revision.ts';
import type { DataPlane, RuleSetCounters, RuleStore } from './ports.ts';
import { Reports } from './reports.ts';
import { checkBase, checkExpected, proxyStatus, type RulesState } from './rules-state.ts';
import { SetAside } from './set-aside.ts';
import {
  indexByExporter,
  NO_COUNTERS,
  type PresentRules,
  type RulesInForce,
} from './statistics.ts';

const NO_CHANGE: RuleChange = { kind: 'edit', deleted: [], upserts: [] };

/** What keeps the saved rules from being restored is looked at again after so long. */
const RETRY_MS = 1000;

/** The rules that this node has. */
interface Current {
  readonly revision: Revision;
  readonly ruleSet: RuleSet;
}

/** Of a node's identity: no two nodes have the same. */
const NODE_BYTES = 8;

/** Owns the rules: one writer queue from a change to its being stored and in force. */
export class ControlPlane implements Control {
  readonly #store: RuleStore;
  readonly #dataPlane: DataPlane;
  readonly #hostAddresses: ControlPlaneOptions['hostAddresses'];
  readonly #reports: Reports;
  readonly #log: Logger;
  readonly #queue: ChangeQueue;
  #current: Current = { revision: { number: 0 }, ruleSet: EMPTY_RULE_SET };
  #counters: RuleSetCounters = NO_COUNTERS;
  /** Made when it is needed. */
  #byExporter: ReadonlyMap<string, Rule> | undefined;
  #setAside = SetAside.NONE;
  #restoring: string | undefined = 'the saved rules are being restored';
  #restoreError: string | undefined;
  #retryTimer: NodeJS.Timeout | undefined;
  readonly #listeners = new Set<() => void>();
  #isDraining = false;
  readonly #node = randomBytes(NODE_BYTES).toString('hex');

  constructor(options: ControlPlaneOptions) {
    this.#store = options.store;
    this.#dataPlane = options.dataPlane;
    this.#hostAddresses = options.hostAddresses;
    this.#reports = new Reports({
      inForce: () => this.#rulesInForce(),
      dataPlane: options.dataPlane,
      findWay: options.findWay,
    });
    this.#log = options.log;
    this.#queue = new ChangeQueue(options.log);
  }

  /** Restores the saved rules. Changes that come meanwhile wait (spec A10). */
  start(): Promise<void> {
    return this.#queue.run(() => this.#restore());
  }

  /** Waits for the change at work; those that wait fail with NOT_READY. */
  async stop(): Promise<void> {
    await this.#queue.close();
    clearTimeout(this.#retryTimer);
    await this.#store.close();
  }

  rules(): NumberedRuleSet {
    const { revision, ruleSet } = this.#current;
    return { revision: revision.number, ruleSet };
  }

  rulesProblem(): string | undefined {
    return this.#restoring ?? this.#restoreError;
  }

  restoring(): string | undefined {
    return this.#restoring;
  }

  /**
   * The addresses of this host have changed: sets aside what does not fit it any more, and puts in force again what
   * was set aside and fits. Never rejects.
   */
  checkHost(): Promise<void> {
    return this.#queue.runInBackground(async () => {
      const setAside = SetAside.of(this.#current.ruleSet, this.#hostAddresses());
      if (!setAside.isLike(this.#setAside)) await this.#putInForce(this.#current, setAside);
    });
  }

  nodes(): readonly string[] {
    return [this.#node];
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  change(
    change: RuleChange,
    expectedRevision?: number,
    options: ChangeOptions = {},
  ): Promise<ChangeResult> {
    return this.#queue.run(() => this.#apply(change, expectedRevision, options));
  }

  /** The revision of a leader that was put in force last, also when the rules were changed since. */
  followed(): FollowedRevision | undefined {
    return this.#current.revision.followed;
  }

  /**
   * Remembers that the rules in force are those of a leader's revision.
   * @param expectedRevision fails with REVISION_MISMATCH when the rules are at another revision then
   */
  noteFollowed(follows: LeaderRevision, expectedRevision: number): Promise<void> {
    return this.#queue.run(async () => {
      checkExpected(expectedRevision, this.#state());
      const followed = { ...follows, appliedAs: expectedRevision };
      await this.#note({ ...this.#current.revision, followed });
    });
  }

  statistics(exporters: readonly Exporter[]): Promise<ProxyStatistics> {
    return this.#reports.statistics(exporters);
  }

  statisticsOf(rules: readonly Rule[]): ProxyStatistics {
    return this.#reports.statisticsOf(rules);
  }

  collectors(): Promise<readonly CollectorStatus[]> {
    return this.#reports.collectors();
  }

  exporters(silentAfterMs: number): Promise<ExporterReport> {
    return this.#reports.exporters(silentAfterMs);
  }

  status(): SystemStatus {
    return {
      proxy: proxyStatus(this.#dataPlane.status(), this.#state(), this.#setAside.problem),
      database: this.#store.status(),
      forwarders: this.#dataPlane.forwarders(),
      endedForwarders: this.#dataPlane.endedForwarders(),
      isDraining: this.#isDraining,
    };
  }

  setDraining(isDraining: boolean): void {
    this.#isDraining = isDraining;
  }

  /** The rules in force and what is known of them, for monitoring. Costs nothing however many there are. */
  presentRules(): PresentRules {
    const current = this.#current;
    const byExporter = () => this.#rulesInForce().byExporter;
    return {
      revision: current.revision,
      ruleSet: current.ruleSet,
      counters: this.#counters,
      setAside: this.#setAside.count,
      isPresent: () => current === this.#current,
      get byExporter() {
        return byExporter();
      },
    };
  }

  #rulesInForce(): RulesInForce {
    const current = this.#current;
    const { ruleSet } = current;
    this.#byExporter ??= indexByExporter(ruleSet);
    return {
      ruleSet,
      byExporter: this.#byExporter,
      counters: this.#counters,
      isPresent: () => current === this.#current,
    };
  }

  async #restore(): Promise<void> {
    clearTimeout(this.#retryTimer);
    const retry = () => this.#queue.runInBackground(() => this.#restore());
    const { restoreError, isPending = false, revision, ruleSet } = await this.#store.open();
    const isStillPending = isPending && this.#restoreError !== undefined;
    if (isPending) this.#restoring = restoreError;
    this.#retryTimer = isPending ? setTimeout(retry, RETRY_MS) : undefined;
    if (isStillPending) return;
    this.#restoreError = restoreError;
    if (restoreError === undefined) await this.#useRestored({ revision, ruleSet });
    else await this.#goWithout(restoreError, { revision, ruleSet });
    if (!isPending) this.#restoring = undefined;
    const { number, ...record } = revision;
    const details = { ...record, revision: number, rules: ruleSet.rules.length };
    if (this.#restoreError === undefined) this.#log.info(details, 'rules restored');
    else this.#log.error({ ...details, error: this.#restoreError }, 'rules not restored');
  }

  async #useRestored({ revision, ruleSet }: Current): Promise<void> {
    try {
      checkLimits(ruleSet);
      checkMemory(ruleSet);
      const setAside = SetAside.of(ruleSet, this.#hostAddresses());
      await this.#putInForce({ revision, ruleSet }, setAside);
    } catch (error) {
      if (!(error instanceof FloxyError)) throw error;
      const reason = `the saved rules cannot be put in force: ${error.message}`;
      await this.#goWithout(reason, { revision, ruleSet: EMPTY_RULE_SET });
    }
  }

  /** Without the saved rules those before go on, if there are any: no rules are worse than old ones. */
  async #goWithout(reason: string, current: Current): Promise<void> {
    if (this.#dataPlane.inForce()) {
      this.#restoreError = `${reason}; packets are forwarded by the rules in force before`;
      this.#setCurrent(current, SetAside.NONE, NO_COUNTERS);
      return;
    }
    this.#restoreError = reason;
    await this.#putInForce(current, SetAside.NONE);
  }

  async #apply(
    change: RuleChange,
    expectedRevision: number | undefined,
    options: ChangeOptions,
  ): Promise<ChangeResult> {
    // What holds the database may have let go of it since.
    if (this.#restoring !== undefined) await this.#restore();
    checkExpected(expectedRevision, this.#state());
    checkMemory(this.#current.ruleSet, change);
    checkBase(change, this.#state());
    validateChange(change, this.#hostAddresses());
    const before = this.#current;
    const ruleSet = mergeChange(before.ruleSet, change);
    checkLimits(ruleSet);
    const difference = await compareRules(before.ruleSet, ruleSet);
    if (this.#isNothing(difference) && (await this.#keep(change, options))) {
      return { revision: before.revision.number, difference };
    }
    const setAside = this.#setAside.again(ruleSet, this.#hostAddresses());
    // Where rules are set aside, those in force do not become the next ones by the change alone.
    const step = this.#setAside.isNone ? change : undefined;
    const prepared = await this.#dataPlane.prepare(setAside.without(ruleSet), step);
    if (options.isDryRun) {
      prepared.discard();
      return { revision: before.revision.number, difference };
    }
    const known = this.#restoring === undefined ? before.revision : undefined;
    const revision = nextRevision(known, options);
    const made = {
      // What was not restored is not what the database holds.
      previous: this.rulesProblem() === undefined ? before.revision.number : undefined,
      size: sizeOf(difference),
      rules: ruleSet.rules.length,
      undo: undoOf(before.ruleSet, difference),
    };
    try {
      await this.#store.write(change, revision, made);
    } catch (error) {
      prepared.discard();
      throw error;
    }
    const counters = await prepared.putInForce();
    if (change.kind === 'replace') this.#endRestoring();
    this.#setCurrent({ revision, ruleSet }, setAside, counters);
    return { revision: revision.number, difference };
  }

  /** Spec A42. A node that never had rules gets its first revision, though they are none. */
  #isNothing(difference: RulesDifference): boolean {
    const { state, error } = this.#store.status();
    const isSaved = state === 'OK' && error === undefined && this.rulesProblem() === undefined;
    return isSaved && this.#current.revision.number > 0 && isNoDifference(difference);
  }

  /**
   * Sees that the rules are on disk as they are (spec A8), and that what fits this host is in force.
   *
   * @returns false when the database has lost them, and the change would write them all
   */
  async #keep(change: RuleChange, { follows, isDryRun }: ChangeOptions): Promise<boolean> {
    if (isDryRun) return true;
    const { revision, ruleSet } = this.#current;
    const { number } = revision;
    try {
      await this.#note(
        follows ? { ...revision, followed: { ...follows, appliedAs: number } } : revision,
      );
    } catch (error) {
      if (change.kind !== 'replace') throw error;
      return false;
    }
    const setAside = this.#setAside.again(ruleSet, this.#hostAddresses());
    if (!setAside.isLike(this.#setAside)) await this.#putInForce(this.#current, setAside);
    return true;
  }

  /** Saves the record of the present revision. */
  async #note(revision: Revision): Promise<void> {
    await this.#store.write(NO_CHANGE, revision);
    this.#current = { ...this.#current, revision };
  }

  /** All rules are new: what was saved before is of no interest any more. */
  #endRestoring(): void {
    clearTimeout(this.#retryTimer);
    this.#restoring = undefined;
    this.#restoreError = undefined;
  }

  async #putInForce(current: Current, setAside: SetAside): Promise<void> {
    const prepared = await this.#dataPlane.prepare(setAside.without(current.ruleSet));
    this.#setCurrent(current, setAside, await prepared.putInForce());
  }

  #state(): RulesState {
    return {
      revision: this.#current.revision.number,
      restoring: this.#restoring,
      restoreError: this.#restoreError,
    };
  }

  #setCurrent(current: Current, setAside: SetAside, counters: RuleSetCounters): void {
    setAside.tell(this.#setAside, this.#log);
    this.#current = current;
    this.#setAside = setAside;
    this.#counters = setAside.counters(counters, current.ruleSet);
    this.#byExporter = undefined;
    for (const listener of this.#listeners) listener();
  }
}
