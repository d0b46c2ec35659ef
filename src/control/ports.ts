/** What the control plane needs of its surroundings. Implemented in src/store and src/dataplane. */
import type { HealthSummary, WatchedCollector } from '../model/collector-health.ts';
import type { SendLoss, Way } from '../model/collector-status.ts';
import type { Endpoint } from '../model/endpoint.ts';
import type { SeenExporter } from '../model/exporter-status.ts';
import type {
  BackupContent,
  BackupExtra,
  BackupFile,
  MadeChange,
  RevisionPage,
  RevisionQuery,
  WayBack,
} from '../model/history.ts';
import type { Collector, Revision, Rule, RuleChange, RuleSet } from '../model/rules.ts';
import type { Counters, LeftOut } from '../model/statistics.ts';
import type { SubsystemStatus } from '../model/status.ts';
import type {
  EndedForwarders,
  ForwarderStatus,
  KernelEngineStatus,
  ListenerStatus,
} from '../telemetry/status.ts';

/** What the database had to say when it was opened. */
export interface RestoredRules {
  readonly revision: Revision;
  readonly ruleSet: RuleSet;
  /**
   * Why the saved rules could not be restored, and where the unreadable database is kept. The rule set
   * is empty then, and this stays so over restarts until the rules are replaced.
   */
  readonly restoreError?: string;
  /** The rules may be there and cannot be looked at now: open() may be called again, and then finds them. */
  readonly isPending?: boolean;
}

/**
 * Keeps the rules. Each write is one transaction and is on disk when the call resolves. One call at a time.
 * Failures reject with FloxyError: `STORE_UNWRITABLE`, or `LIMIT_EXCEEDED` when the disk is full; nothing has
 * changed then.
 */
export interface RuleStore {
  /** Opens the database and reads the rules. Never fails for a bad file: see restoreError and status(). */
  open(): Promise<RestoredRules>;
  /**
   * Writes the rules that the change touches, not the whole set.
   * @param made what is kept of it in the history; absent: it makes no other revision
   */
  write(change: RuleChange, revision: Revision, made?: MadeChange): Promise<void>;
  status(): SubsystemStatus;
  close(): Promise<void>;
}

/** What is kept besides the rules in force. Failures reject with FloxyError. */
export interface HistoryStore {
  revisions(query: RevisionQuery): Promise<RevisionPage>;
  /** NOT_FOUND when the revision is not kept. */
  wayBack(revision: number): Promise<WayBack>;
  /** Writes a copy of all that the database holds, as it is at one moment. */
  backup(extra: BackupExtra): Promise<BackupFile>;
  /** Makes an empty file for a backup that is to be read. @returns its path */
  makeCopyFile(): Promise<string>;
  /** INVALID_INPUT when it is none, or is damaged. @param path of makeCopyFile() */
  readBackup(path: string): Promise<BackupContent>;
  /** Removes the file of a backup that was written or read. */
  removeCopy(path: string): Promise<void>;
}

/** Moves packets by the rules. */
export interface DataPlane {
  /**
   * Whether packets are forwarded by rules that an earlier control put in force, and no others were since. They go
   * on until others are put in force.
   */
  inForce(): boolean;
  /** What the data plane itself can say of its state: sockets and forwarders, not rules. */
  status(): SubsystemStatus;
  forwarders(): readonly ForwarderStatus[];
  listeners(): readonly ListenerStatus[];
  /** Undefined where it is not wanted, and while the proxy is off. */
  kernelEngine(): KernelEngineStatus | undefined;
  /** Undefined while the proxy is off. */
  endedForwarders(): EndedForwarders | undefined;
  /** Ports of collectors that have none (spec R5): that of arrival. */
  readonly listenPorts: readonly number[];
  /** Copies that could not be sent, by collector and errno (spec S23). */
  sendLosses(): readonly SendLoss[];
  /** Copies that could not be sent, and of which no more is known: what was had to make room for others. */
  forgottenCopies(): bigint;
  /** Whose packets forwarders have seen (spec S24). */
  sightings(): Promise<Sightings>;
  /**
   * Does all of putting a rule set in force that can fail, so that it can be stored before it is. One rule
   * set at a time: the next one after putInForce() or discard() of this one.
   *
   * @param change what makes it of the rule set that was put in force last: a small change costs little then
   * @throws FloxyError LIMIT_EXCEEDED when there is no room for it
   */
  prepare(ruleSet: RuleSet, change?: RuleChange): Promise<PreparedRules>;
}

/** Whose packets forwarders have seen: each address and port is there once. */
export interface Sightings {
  readonly since: Date;
  readonly exporters: readonly SeenExporter[];
  /** How many had to make room for others. */
  readonly forgotten: bigint;
}

/** What the kernel knows of the ways to collectors (spec S26). */
export type FindWay = (collector: Endpoint) => Way;

/** What is known of the health of collectors (spec H5). */
export interface HealthSource {
  /** Undefined for one that is not watched. */
  find(collector: Collector): WatchedCollector | undefined;
  summary(): HealthSummary;
}

/** A rule set that can be put in force at once. Either of the two is called, once. */
export interface PreparedRules {
  /**
   * Resolves when every running forwarder handles packets by it.
   *
   * @returns its counters. What was in the rules before too keeps its counts (spec S5)
   */
  putInForce(): Promise<RuleSetCounters>;
  /** Gives back what it took. */
  discard(): void;
}

/** Counters of a rule set, until another one is prepared after it was replaced. */
export interface RuleSetCounters {
  /** Packets received by the rule of this exporter. */
  input(rule: Rule): Counters;
  /** Copies sent: [output][collector] of the rule. */
  outputs(rule: Rule): readonly (readonly Counters[])[];
  defaultOutputs(): readonly (readonly Counters[])[];
  /** What each output of the rule left out; asked for when one of them can. */
  leftOut(rule: Rule): readonly LeftOut[];
  leftOutByDefault(): readonly LeftOut[];
  mismatched(): Counters;
}
