import type { Logger } from 'pino';
import type { CollectorStatus } from '../model/collector-status.ts';
import type { ExporterReport } from '../model/exporter-status.ts';
import type {
  Exporter,
  LeaderRevision,
  NumberedRuleSet,
  Revision,
  Rule,
  RuleChange,
} from '../model/rules.ts';
import type { ProxyStatistics } from '../model/statistics.ts';
import type { RulesDifference } from '../rules/comparison.ts';
import type { HostAddresses, Unfit } from '../rules/validate.ts';
import type { SystemStatus } from '../telemetry/status.ts';
import type { DataPlane, FindWay, HealthSource, RuleStore } from './ports.ts';

/** What a change is remembered with. */
export type ChangeOrigin = Pick<Revision, 'author' | 'from' | 'call' | 'message'>;

export interface ChangeOptions extends ChangeOrigin {
  /** On a node that follows another: changes the rules here all the same. Elsewhere without effect. */
  readonly overrideFollower?: boolean;
  /** What of the leader these rules are; remembered with them. Only the follower sets it. */
  readonly follows?: LeaderRevision;
  /** Everything that can be wrong with the change is looked at, and nothing changes. */
  readonly isDryRun?: boolean;
}

/** What a change did, or what it would do. */
export interface ChangeResult {
  /** Of the rules now: the one before when nothing changed. */
  readonly revision: number;
  readonly difference: RulesDifference;
}

/** What the API needs of the control plane. Failures are FloxyErrors. */
export interface Control {
  rules(): NumberedRuleSet;
  /**
   * Why the rules in force are not those that this node is meant to have: not restored yet, or lost.
   * undefined when all is well; only then another node may take them over.
   */
  rulesProblem(): string | undefined;
  /** Why the saved rules are not known yet; undefined once they are, or are known to be lost. */
  restoring(): string | undefined;
  /** Identities of this node, and of those whose rules it takes over: see RulesRevision in proto/settings.proto. */
  nodes(): readonly string[];
  /** Calls the listener each time other rules are in force. @returns what ends it */
  onChange(listener: () => void): () => void;
  /**
   * Validates a canonical change and applies it wholly or not at all. Changes are applied one after the
   * other; each resolves when it is on disk and in force in every running forwarder (spec A8).
   * A change that changes nothing makes no revision (spec A42).
   *
   * @param expectedRevision fails with REVISION_MISMATCH when the rules are at another revision then
   */
  change(
    change: RuleChange,
    expectedRevision?: number,
    options?: ChangeOptions,
  ): Promise<ChangeResult>;
  /** @param exporters exactly as in the rules; none = all. NOT_FOUND names those without a rule. */
  statistics(exporters: readonly Exporter[]): Promise<ProxyStatistics>;
  /**
   * The statistics of a few rules, of the default outputs, and of what no rule matched. Rules that are not in force
   * any more are left out, or told as those that have taken their place.
   */
  statisticsOf(rules: readonly Rule[]): ProxyStatistics;
  /** All collectors that rules name, and those of which losses are known (spec S23, S26), in no order. */
  collectors(): Promise<readonly CollectorStatus[]>;
  /** Copies that could not be sent and are in no collector's account. */
  forgottenCopies(): bigint;
  /**
   * Who sends, by which rule, and of which rules nothing comes (spec S24).
   *
   * @param silentAfterMs a rule of which nothing has come for longer is silent
   */
  exporters(silentAfterMs: number): Promise<ExporterReport>;
  /** Rules and default outputs that are not in force, as they do not fit this host (spec V8), with the reason. */
  unfit(): Unfit;
  status(): SystemStatus;
  /** Starts or ends draining: see Settings.Drain in proto/settings.proto. */
  setDraining(isDraining: boolean): void;
}

export interface ControlPlaneOptions {
  readonly store: RuleStore;
  readonly dataPlane: DataPlane;
  /** This host at the moment of a change. */
  readonly hostAddresses: () => HostAddresses;
  /** None: nothing is known of ways. */
  readonly findWay?: FindWay;
  /** None: no collector is watched. */
  readonly health?: HealthSource;
  readonly log: Logger;
}
