import type { Counters } from './statistics.ts';

/** See the table of states in docs/operating.md. */
export type State = 'OK' | 'Configuring' | 'NotConfigured' | 'Offline';

export interface SubsystemStatus {
  readonly state: State;
  /** What is wrong and what to do; absent when all is well. */
  readonly error?: string;
}

export interface ErrnoCount {
  /** Symbolic name, such as `ENETUNREACH`. */
  readonly code: string;
  readonly count: bigint;
}

/** Meanings: ForwarderStatus in proto/settings.proto. */
export interface ForwarderStatus {
  readonly index: number;
  readonly pid?: number;
  readonly restarts: number;
  readonly received: Counters;
  readonly forwarded: Counters;
  readonly droppedByRule: bigint;
  readonly noEligibleCollector: bigint;
  readonly truncated: bigint;
  readonly kernelDrops: bigint;
  readonly fragmented: bigint;
  readonly fragments: bigint;
  readonly sendRetries: bigint;
  readonly sendErrors: readonly ErrnoCount[];
  readonly receiveErrors: readonly ErrnoCount[];
}

/** Meanings: FollowerStatus in proto/settings.proto. */
export interface FollowerStatus {
  readonly leader: string;
  readonly isConnected: boolean;
  readonly leaderRevision?: number;
  readonly appliedRevision?: number;
  /** Absent until the leader told its revision. */
  readonly lagRevisions?: number;
  readonly secondsSinceContact?: number;
  readonly isOverridden: boolean;
  readonly error?: string;
}

export interface SystemStatus {
  readonly proxy: SubsystemStatus;
  readonly database: SubsystemStatus;
  readonly forwarders: readonly ForwarderStatus[];
  /** Of a node that takes over the rules of another. */
  readonly follower?: FollowerStatus;
  /** The network is asked to send flow elsewhere; packets that still come are forwarded. */
  readonly isDraining: boolean;
}

export interface BuildInfo {
  readonly version: string;
  readonly commit: string;
  /** RFC 3339, UTC. */
  readonly buildTime: string;
  readonly nodeVersion: string;
  readonly platform: string;
  /** Of the control process. */
  readonly pid: number;
}
