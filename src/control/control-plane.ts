import type { Logger } from 'pino';
import { FloxyError, messageOf } from '../base/errors.ts';
import { Turn } from '../base/turn.ts';
import {
  EMPTY_RULE_SET,
  type Exporter,
  exporterKey,
  type FollowedRevision,
  type LeaderRevision,
  type NumberedRuleSet,
  type Revision,
  type Rule,
  type RuleChange,
  type RuleSet,
} from '../model/rules.ts';
import type { ProxyStatistics } from '../model/statistics.ts';
import type { SubsystemStatus } from '../model/status.ts';
import { mergeChange } from '../rules/merge.ts';
import { checkLimits, type HostAddresses, validateRules } from '../rules/validate.ts';
import type { SystemStatus } from '../telemetry/status.ts';
import { ChangeQueue } from './change-queue.ts';
import { LoopWatch } from './loop-watch.ts';
import type { DataPlane, RuleSetCounters, RuleStore } from './ports.ts';
import { collectStatistics, NO_COUNTERS } from './statistics.ts';

export interface ChangeOptions {
  /** On a node that follows another: changes the rules here all the same. Elsewhere without effect. */
  readonly overrideFollower?: boolean;
  /** What of the leader these rules are; remembered with them. Only the follower sets it. */
  readonly follows?: LeaderRevision;
  /** Who asks for the change. */
  readonly author?: string;
}

/** What the API needs of the control plane. Failures are FloxyErrors. */
export interface Control {
  rules(): NumberedRuleSet;
  /**
   * Why the rules in force are not those that this node is meant to have: not restored yet, or lost.
   * undefined when all is well; only then another node may take them over.
   */
  rulesProblem(): string | undefined;
  /** Calls the listener each time other rules are in force. @returns what ends it */
  onChange(listener: () => void): () => void;
  /**
   * Validates a canonical change and applies it wholly or not at all. Changes are applied one after the
   * other; each resolves when it is on disk and in force in every running forwarder (spec A8).
   *
   * @param expectedRevision fails with REVISION_MISMATCH when the rules are at another revision then
   * @returns the new revision
   */
  change(change: RuleChange, expectedRevision?: number, options?: ChangeOptions): Promise<number>;
  /** @param exporters exactly as in the rules; none = all. NOT_FOUND names those without a rule. */
  statistics(exporters: readonly Exporter[]): Promise<ProxyStatistics>;
  status(): SystemStatus;
  /** Starts or ends draining: see Settings.Drain in proto/settings.proto. */
  setDraining(isDraining: boolean): void;
}

export interface ControlPlaneOptions {
  readonly store: RuleStore;
  readonly dataPlane: DataPlane;
  /** This host at the moment of a change. */
  readonly hostAddresses: () => HostAddresses;
  readonly log: Logger;
}

const NO_CHANGE: RuleChange = { kind: 'edit', deleted: [], upserts: [] };

/** Statistics that were begun anew so often, because rules changed, are collected without a pause. */
const MAX_INTERRUPTIONS = 4;

/** The rules that this node has. */
interface Current {
  readonly revision: Revision;
  readonly ruleSet: RuleSet;
}

/** Owns the rules: one writer queue from a change to its being stored and in force. */
export class ControlPlane implements Control {
  readonly #store: RuleStore;
  readonly #dataPlane: DataPlane;
  readonly #hostAddresses: () => HostAddresses;
  readonly #log: Logger;
  readonly #queue = new ChangeQueue();
  readonly #loops: LoopWatch;
  #current: Current = { revision: { number: 0 }, ruleSet: EMPTY_RULE_SET };
  #counters: RuleSetCounters = NO_COUNTERS;
  /** Made when it is needed. */
  #byExporter: ReadonlyMap<string, Rule> | undefined;
  #isRestored = false;
  #restoreError: string | undefined;
  readonly #listeners = new Set<() => void>();
  #isDraining = false;

  constructor(options: ControlPlaneOptions) {
    this.#store = options.store;
    this.#dataPlane = options.dataPlane;
    this.#hostAddresses = options.hostAddresses;
    this.#log = options.log;
    this.#loops = new LoopWatch(options.log);
  }

  /** Restores the saved rules. Changes that come meanwhile wait (spec A10). */
  start(): Promise<void> {
    return this.#queue.run(() => this.#restore());
  }

  /** Waits for the change at work; those that wait fail with NOT_READY. */
  async stop(): Promise<void> {
    await this.#queue.close();
    await this.#store.close();
  }

  /** Looks again whether a collector is the proxy itself: the addresses of this host have changed. */
  checkHost(): void {
    this.#loops.check(this.#current.ruleSet, this.#hostAddresses());
  }

  rules(): NumberedRuleSet {
    const { revision, ruleSet } = this.#current;
    return { revision: revision.number, ruleSet };
  }

  rulesProblem(): string | undefined {
    return this.#isRestored ? this.#restoreError : 'the saved rules are being restored';
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  change(
    change: RuleChange,
    expectedRevision?: number,
    options: ChangeOptions = {},
  ): Promise<number> {
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
      this.#checkExpected(expectedRevision);
      const followed = { ...follows, appliedAs: expectedRevision };
      const revision = { ...this.#current.revision, followed };
      await this.#store.write(NO_CHANGE, revision);
      this.#current = { ...this.#current, revision };
    });
  }

  async statistics(exporters: readonly Exporter[]): Promise<ProxyStatistics> {
    for (let attempt = 1; ; attempt++) {
      const found = await this.#collect(exporters, attempt < MAX_INTERRUPTIONS);
      if (found !== undefined) return found;
    }
  }

  /** @returns undefined when other rules came into force meanwhile: counters are those of the present ones */
  #collect(
    exporters: readonly Exporter[],
    isInterruptible: boolean,
  ): Promise<ProxyStatistics | undefined> {
    const current = this.#current;
    const { ruleSet } = current;
    this.#byExporter ??= indexByExporter(ruleSet);
    const turn = new Turn();
    const pause = () => {
      if (!isInterruptible || !turn.isOver) return true;
      return turn.next().then(() => current === this.#current);
    };
    const source = { ruleSet, byExporter: this.#byExporter, counters: this.#counters, pause };
    return collectStatistics(source, exporters);
  }

  status(): SystemStatus {
    return {
      proxy: this.#proxyStatus(),
      database: this.#store.status(),
      forwarders: this.#dataPlane.forwarders(),
      isDraining: this.#isDraining,
    };
  }

  setDraining(isDraining: boolean): void {
    this.#isDraining = isDraining;
  }

  #proxyStatus(): SubsystemStatus {
    const dataPlane = this.#dataPlane.status();
    if (dataPlane.state !== 'OK') return dataPlane;
    if (!this.#isRestored) return { state: 'Configuring', error: 'restoring the saved rules' };
    if (this.#restoreError !== undefined)
      return { state: 'NotConfigured', error: this.#restoreError };
    const error = this.#loops.problem;
    return error === undefined ? dataPlane : { state: 'OK', error };
  }

  async #restore(): Promise<void> {
    const { restoreError, revision, ...saved } = await this.#store.open();
    this.#restoreError = restoreError;
    let ruleSet = saved.ruleSet;
    try {
      validateRules(ruleSet.rules, ruleSet.defaultOutputs, this.#hostAddresses());
    } catch (error) {
      this.#restoreError = `the saved rules do not fit this host any more: ${messageOf(error)}`;
      ruleSet = EMPTY_RULE_SET;
    }
    const prepared = await this.#dataPlane.prepare(ruleSet);
    const counters = await prepared.putInForce();
    this.#isRestored = true;
    this.#setCurrent({ revision, ruleSet }, counters);
    const { number, author, at } = revision;
    const details = { revision: number, rules: ruleSet.rules.length, author, at };
    if (this.#restoreError === undefined) this.#log.info(details, 'rules restored');
    else this.#log.error({ ...details, error: this.#restoreError }, 'rules not restored');
  }

  async #apply(
    change: RuleChange,
    expectedRevision: number | undefined,
    options: ChangeOptions,
  ): Promise<number> {
    this.#checkExpected(expectedRevision);
    this.#validate(change);
    const ruleSet = mergeChange(this.#current.ruleSet, change);
    checkLimits(ruleSet);
    const prepared = await this.#dataPlane.prepare(ruleSet);
    const revision = this.#nextRevision(options);
    try {
      await this.#store.write(change, revision);
    } catch (error) {
      prepared.discard();
      throw error;
    }
    const counters = await prepared.putInForce();
    if (change.kind === 'replace') this.#restoreError = undefined;
    this.#setCurrent({ revision, ruleSet }, counters);
    return revision.number;
  }

  #nextRevision({ follows, author }: ChangeOptions): Revision {
    const { revision } = this.#current;
    const number = revision.number + 1;
    const followed = follows ? { ...follows, appliedAs: number } : revision.followed;
    return {
      number,
      at: new Date().toISOString(),
      ...(author !== undefined && { author }),
      ...(followed && { followed }),
    };
  }

  #checkExpected(expected: number | undefined): void {
    const { number } = this.#current.revision;
    if (expected === undefined || expected === number) return;
    const message = `the rules are at revision ${number}, not ${expected}: list them and try again`;
    throw new FloxyError('REVISION_MISMATCH', message);
  }

  #validate(change: RuleChange): void {
    if (change.kind !== 'replace' && this.#restoreError !== undefined) {
      const message = `only ReplaceProxyRules is possible: ${this.#restoreError}`;
      throw new FloxyError('NOT_CONFIGURED', message);
    }
    const { rules, defaultOutputs } =
      change.kind === 'replace'
        ? change.ruleSet
        : { rules: change.upserts, defaultOutputs: change.defaultOutputs ?? [] };
    validateRules(rules, defaultOutputs, this.#hostAddresses());
  }

  #setCurrent(current: Current, counters: RuleSetCounters): void {
    this.#current = current;
    this.#counters = counters;
    this.#byExporter = undefined;
    if (this.#loops.problem !== undefined) this.checkHost();
    for (const listener of this.#listeners) listener();
  }
}

function indexByExporter({ rules }: RuleSet): ReadonlyMap<string, Rule> {
  return new Map(rules.map((rule) => [exporterKey(rule.exporter), rule]));
}
