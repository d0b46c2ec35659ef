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
