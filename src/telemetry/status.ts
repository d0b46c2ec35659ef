import type { HealthSummary } from '../model/collector-health.ts';
import type { Counters } from '../model/statistics.ts';
import type { ErrnoCount, FollowerStatus, SubsystemStatus } from '../model/status.ts';
import type { KnownCounter } from './catalogue.ts';
import type { RejectionCounts } from './rejections.ts';

/** What a counter of each kind shows. */
interface CounterValues {
  readonly traffic: Counters;
  readonly count: bigint;
  readonly errors: readonly ErrnoCount[];
}

/** All counters of one forwarder (catalogue.ts). */
export type ForwarderCounters = {
  readonly [Row in KnownCounter as Row['key']]: CounterValues[Row['kind']];
};

/** One forwarder: its process and its counters. */
export interface ForwarderStatus extends ForwarderCounters {
  readonly index: number;
  readonly pid?: number;
  /** How often its process was replaced. */
  readonly restarts: number;
  /** Since when its present process runs; absent while there is none, or only that of an earlier control. */
  readonly startedAt?: Date;
}

/** What came to one listening address, of all forwarders. */
export interface ListenerStatus {
  /** `[::]:2055` */
  readonly address: string;
  readonly received: Counters;
  readonly kernelDrops: bigint;
}

/** The engine in the kernel: what it has handled is in the counters of forwarders too. */
export interface KernelEngineStatus {
  /** Why it handles nothing at the moment, in words; absent while it does. */
  readonly problem?: string;
  /** Names of the interfaces at which it sees packets. */
  readonly interfaces: readonly string[];
  /** Since its program was loaded. */
  readonly handled: Counters;
  /** Packets that it let go up to the forwarders, by the reason; those that there are. */
  readonly up: readonly UpCount[];
}

export interface UpCount {
  /** Such as `no_path`. */
  readonly reason: string;
  readonly meaning: string;
  readonly packets: bigint;
}

/** What is left of forwarders that are no more, as there were more of them before an upgrade or a restart. */
export interface EndedForwarders {
  /** Since when counters of this node go on: before, others began at 0. */
  readonly countedSince: Date;
  readonly counters: ForwarderCounters;
}

/** Of the gRPC API. */
export interface ApiStatus {
  /** Whether callers have roles; otherwise each may do all. */
  readonly hasRoles: boolean;
  readonly rejections: RejectionCounts;
}

export interface SystemStatus {
  readonly proxy: SubsystemStatus;
  readonly database: SubsystemStatus;
  readonly forwarders: readonly ForwarderStatus[];
  /** Of each address on which flow is received, in the order of the settings. */
  readonly listeners?: readonly ListenerStatus[];
  /** Absent where it is not wanted, and while the proxy is off. */
  readonly kernelEngine?: KernelEngineStatus | undefined;
  /** Absent while the proxy is off. */
  readonly endedForwarders?: EndedForwarders | undefined;
  /** Of a node that takes over the rules of another. */
  readonly follower?: FollowerStatus;
  /** The network is asked to send flow elsewhere; packets that still come are forwarded. */
  readonly isDraining: boolean;
  /** Of collectors; absent where none can be watched. */
  readonly health?: HealthSummary | undefined;
}
