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
  type Rule,
  type RuleChange,
} from '../model/rules.ts';
import type { ProxyStatistics } from '../model/statistics.ts';
import { checkLimits, type Unfit } from '../rules/validate.ts';
import type { SystemStatus } from '../telemetry/status.ts';
import { ChangeQueue } from './change-queue.ts';
import { Changes } from './changes.ts';
import type { ChangeOptions, ChangeResult, Control, ControlPlaneOptions } from './control.ts';
import { type Current, InForce } from './in-force.ts';
import { checkMemory } from './memory.ts';
import type { DataPlane, RuleStore } from './ports.ts';
import { Reports } from './reports.ts';
import { checkExpected, proxyStatus, type RulesState } from './rules-state.ts';
import { SetAside } from './set-aside.ts';
import { NO_COUNTERS, type PresentRules } from './statistics.ts';

/** What keeps the saved rules from being restored is looked at again after so long. */
const RETRY_MS = 1000;

/** Of a node's identity: no two nodes have the same. */
const NODE_BYTES = 8;

/** Owns the rules: one writer queue from a change to its being stored and in force. */
export class ControlPlane implements Control {
  readonly #store: RuleStore;
  readonly #dataPlane: DataPlane;
  readonly #hostAddresses: ControlPlaneOptions['hostAddresses'];
  readonly #inForce: InForce;
  readonly #changes: Changes;
  readonly #reports: Reports;
  readonly #health: ControlPlaneOptions['health'];
  readonly #log: Logger;
  readonly #queue: ChangeQueue;
  #restoring: string | undefined = 'the saved rules are being restored';
  #restoreError: string | undefined;
  #retryTimer: NodeJS.Timeout | undefined;
  #isDraining = false;
  readonly #node = randomBytes(NODE_BYTES).toString('hex');

  constructor(options: ControlPlaneOptions) {
    this.#store = options.store;
    this.#dataPlane = options.dataPlane;
    this.#hostAddresses = options.hostAddresses;
    this.#inForce = new InForce(options.dataPlane, options.log);
    this.#changes = new Changes({
      ...options,
      inForce: this.#inForce,
      state: () => this.#state(),
      endRestoring: () => this.#endRestoring(),
    });
    this.#health = options.health;
    this.#reports = new Reports({
      inForce: () => this.#inForce.rules(),
      dataPlane: options.dataPlane,
      findWay: options.findWay,
      health: options.health,
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
    const { revision, ruleSet } = this.#inForce.current;
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
    return this.#queue.runInBackground(() => {
      const { ruleSet } = this.#inForce.current;
      return this.#changes.fit(SetAside.of(ruleSet, this.#hostAddresses()));
    });
  }

  nodes(): readonly string[] {
    return [this.#node];
  }

  onChange(listener: () => void): () => void {
    return this.#inForce.onChange(listener);
  }

  change(
    change: RuleChange,
    expectedRevision?: number,
    options: ChangeOptions = {},
  ): Promise<ChangeResult> {
    return this.#queue.run(async () => {
      // What holds the database may have let go of it since.
      if (this.#restoring !== undefined) await this.#restore();
      return await this.#changes.apply(change, expectedRevision, options);
    });
  }

  /** The revision of a leader that was put in force last, also when the rules were changed since. */
  followed(): FollowedRevision | undefined {
    return this.#inForce.current.revision.followed;
  }

  /**
   * Remembers that the rules in force are those of a leader's revision.
   * @param expectedRevision fails with REVISION_MISMATCH when the rules are at another revision then
   */
  noteFollowed(follows: LeaderRevision, expectedRevision: number): Promise<void> {
    return this.#queue.run(async () => {
      checkExpected(expectedRevision, this.#state());
      const followed = { ...follows, appliedAs: expectedRevision };
      await this.#changes.note({ ...this.#inForce.current.revision, followed });
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

  forgottenCopies(): bigint {
    return this.#dataPlane.forgottenCopies();
  }

  exporters(silentAfterMs: number): Promise<ExporterReport> {
    return this.#reports.exporters(silentAfterMs);
  }

  unfit(): Unfit {
    return this.#inForce.setAside.unfit;
  }

  status(): SystemStatus {
    return {
      proxy: proxyStatus(this.#dataPlane.status(), this.#state(), this.#inForce.setAside.problem),
      database: this.#store.status(),
      forwarders: this.#dataPlane.forwarders(),
      listeners: this.#dataPlane.listeners(),
      kernelEngine: this.#dataPlane.kernelEngine(),
      endedForwarders: this.#dataPlane.endedForwarders(),
      isDraining: this.#isDraining,
      health: this.#health?.summary(),
    };
  }

  setDraining(isDraining: boolean): void {
    this.#isDraining = isDraining;
  }

  /** The rules in force and what is known of them, for monitoring. Costs nothing however many there are. */
  presentRules(): PresentRules {
    return this.#inForce.present();
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
      await this.#inForce.put({ revision, ruleSet }, setAside);
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
      this.#inForce.set(current, SetAside.NONE, NO_COUNTERS);
      return;
    }
    this.#restoreError = reason;
    await this.#inForce.put(current, SetAside.NONE);
  }

  /** All rules are new: what was saved before is of no interest any more. */
  #endRestoring(): void {
    clearTimeout(this.#retryTimer);
    this.#restoring = undefined;
    this.#restoreError = undefined;
  }

  #state(): RulesState {
    return {
      revision: this.#inForce.current.revision.number,
      restoring: this.#restoring,
      restoreError: this.#restoreError,
    };
  }
}
