import type { Logger } from 'pino';
import { type Endpoint, formatEndpoint } from '../model/endpoint.ts';
import { FloxyError, messageOf } from '../model/errors.ts';
import {
  EMPTY_RULE_SET,
  type NumberedRuleSet,
  type Rule,
  type RuleChange,
  type RuleSet,
} from '../model/rules.ts';
import type { ProxyStatistics } from '../model/statistics.ts';
import type { SubsystemStatus, SystemStatus } from '../model/status.ts';
import { mergeChange } from '../rules/merge.ts';
import { checkLimits, type HostAddresses, validateRules } from '../rules/validate.ts';
import { ChangeQueue } from './change-queue.ts';
import type { DataPlane, PreparedRules, RuleStore } from './ports.ts';
import { collectStatistics } from './statistics.ts';

/** What the API needs of the control plane. Failures are FloxyErrors. */
export interface Control {
  rules(): NumberedRuleSet;
  /**
   * Validates a canonical change and applies it wholly or not at all. Changes are applied one after the
   * other; each resolves when it is on disk and in force in every running forwarder (spec A8).
   *
   * @param expectedRevision fails with REVISION_MISMATCH when the rules are at another revision then
   * @returns the new revision
   */
  change(change: RuleChange, expectedRevision?: number): Promise<number>;
  /** @param exporters exactly as in the rules; none = all. NOT_FOUND names those without a rule. */
  statistics(exporters: readonly Endpoint[]): ProxyStatistics;
  status(): SystemStatus;
}

export interface ControlPlaneOptions {
  readonly store: RuleStore;
  readonly dataPlane: DataPlane;
  /** This host at the moment of a change. */
  readonly hostAddresses: () => HostAddresses;
  readonly log: Logger;
}

/** Owns the rules: one writer queue from a change to its being stored and in force. */
export class ControlPlane implements Control {
  readonly #store: RuleStore;
  readonly #dataPlane: DataPlane;
  readonly #hostAddresses: () => HostAddresses;
  readonly #log: Logger;
  readonly #queue = new ChangeQueue();
  #current: NumberedRuleSet = { revision: 0, ruleSet: EMPTY_RULE_SET };
  #byExporter: ReadonlyMap<string, Rule> = new Map();
  #isRestored = false;
  #restoreError: string | undefined;

  constructor(options: ControlPlaneOptions) {
    this.#store = options.store;
    this.#dataPlane = options.dataPlane;
    this.#hostAddresses = options.hostAddresses;
    this.#log = options.log;
  }

  /** Restores the saved rules. Changes that come meanwhile wait (spec A10). */
  start(): Promise<void> {
    return this.#queue.run(() => this.#restore());
  }

  /** Waits for the change at work; those that wait fail with NOT_READY. */
  async stop(): Promise<void> {
    await this.#queue.close();
    this.#store.close();
  }

  rules(): NumberedRuleSet {
    return this.#current;
  }

  change(change: RuleChange, expectedRevision?: number): Promise<number> {
    return this.#queue.run(() => this.#apply(change, expectedRevision));
  }

  statistics(exporters: readonly Endpoint[]): ProxyStatistics {
    const { ruleSet } = this.#current;
    return collectStatistics(ruleSet, this.#byExporter, exporters, this.#dataPlane.counters());
  }

  status(): SystemStatus {
    return {
      proxy: this.#proxyStatus(),
      database: this.#store.status(),
      forwarders: this.#dataPlane.forwarders(),
    };
  }

  #proxyStatus(): SubsystemStatus {
    const dataPlane = this.#dataPlane.status();
    if (dataPlane.state !== 'OK') return dataPlane;
    if (!this.#isRestored) return { state: 'Configuring', error: 'restoring the saved rules' };
    if (this.#restoreError === undefined) return dataPlane;
    return { state: 'NotConfigured', error: this.#restoreError };
  }

  async #restore(): Promise<void> {
    const { restoreError, ...saved } = this.#store.open();
    this.#restoreError = restoreError;
    let ruleSet = saved.ruleSet;
    try {
      validateRules(ruleSet.rules, ruleSet.defaultOutputs, this.#hostAddresses());
    } catch (error) {
      this.#restoreError = `the saved rules do not fit this host any more: ${messageOf(error)}`;
      ruleSet = EMPTY_RULE_SET;
    }
    const prepared = this.#dataPlane.prepare(ruleSet);
    await this.#dataPlane.publish(prepared);
    this.#setCurrent({ revision: saved.revision, ruleSet }, prepared);
    this.#isRestored = true;
    const details = { revision: saved.revision, rules: ruleSet.rules.length };
    if (this.#restoreError === undefined) this.#log.info(details, 'rules restored');
    else this.#log.error({ ...details, error: this.#restoreError }, 'rules not restored');
  }

  async #apply(change: RuleChange, expectedRevision: number | undefined): Promise<number> {
    this.#checkExpected(expectedRevision);
    this.#validate(change);
    const ruleSet = mergeChange(this.#current.ruleSet, change);
    checkLimits(ruleSet);
    const prepared = this.#dataPlane.prepare(ruleSet);
    const revision = this.#current.revision + 1;
    try {
      this.#save(revision, change);
    } catch (error) {
      this.#dataPlane.discard(prepared);
      throw error;
    }
    await this.#dataPlane.publish(prepared);
    this.#setCurrent({ revision, ruleSet }, prepared);
    if (change.kind === 'replace') this.#restoreError = undefined;
    return revision;
  }

  #checkExpected(expected: number | undefined): void {
    const { revision } = this.#current;
    if (expected === undefined || expected === revision) return;
    const message = `the rules are at revision ${revision}, not ${expected}: list them and try again`;
    throw new FloxyError('REVISION_MISMATCH', message);
  }

  #validate(change: RuleChange): void {
    if (change.kind !== 'replace' && this.#restoreError !== undefined) {
      const message = `only ReplaceProxyRules is possible: ${this.#restoreError}`;
      throw new FloxyError('NOT_CONFIGURED', message);
    }
    if (change.kind === 'delete') return;
    const { rules, defaultOutputs } = change.kind === 'replace' ? change.ruleSet : change;
    validateRules(rules, defaultOutputs ?? [], this.#hostAddresses());
  }

  #save(revision: number, change: RuleChange): void {
    switch (change.kind) {
      case 'replace':
        this.#store.replaceAll(revision, change.ruleSet);
        break;
      case 'update': {
        const { rules: upserts, defaultOutputs } = change;
        this.#store.update(revision, { upserts, deletes: [], defaultOutputs });
        break;
      }
      case 'delete': {
        const { exporters: deletes } = change;
        this.#store.update(revision, { upserts: [], deletes, defaultOutputs: undefined });
        break;
      }
    }
  }

  #setCurrent(current: NumberedRuleSet, prepared: PreparedRules): void {
    this.#dataPlane.commit(prepared);
    this.#current = current;
    this.#byExporter = indexByExporter(current.ruleSet);
  }
}

function indexByExporter({ rules }: RuleSet): ReadonlyMap<string, Rule> {
  return new Map(rules.map((rule) => [formatEndpoint(rule.exporter), rule]));
}
