/**
 * The messages of proto/*.proto as @grpc/proto-loader shows them with the options of definitions.ts:
 * 64-bit numbers and enum values are strings, absent fields are undefined, lists are never absent.
 * Those of rules stand in src/rules/message.ts.
 */
import type { EndpointMessage, Unchecked } from '../rules/endpoint-message.ts';
import type { ExporterMessage, RuleMessage, RuleSetMessage } from '../rules/message.ts';
import type { OutputMessage } from '../rules/output-message.ts';
import type { KnownCounter } from '../telemetry/catalogue.ts';

/** Requests without fields. */
export type EmptyRequest = Readonly<Record<string, never>>;

export interface DrainRequest {
  readonly cancel?: boolean | undefined;
}

export interface WatchRequest {
  readonly digest?: string | undefined;
}

export interface ExportersRequest {
  readonly exporters?: readonly Unchecked<ExporterMessage>[] | undefined;
}

/** All rules, or a part of them. */
export type ProxyRulesMessage = Partial<RuleSetMessage>;

export interface RulesPartMessage {
  readonly base?: string;
  readonly deleted?: readonly ExporterMessage[];
  readonly rules?: readonly RuleMessage[];
  readonly defaultOutputs?: readonly OutputMessage[];
  readonly replacesDefaultOutputs?: boolean;
  readonly last?: boolean;
}

export interface RulesRevisionMessage {
  /** Decimal. */
  readonly revision?: string;
  readonly digest?: string;
  readonly part?: RulesPartMessage | null;
  readonly error?: string;
  readonly nodes?: readonly string[];
}

export interface CountersMessage {
  /** Decimal, as all 64-bit numbers. */
  readonly packets: string;
  readonly bytes: string;
}

export interface ExporterStatsMessage extends ExporterMessage {
  readonly input: CountersMessage;
}

export interface CollectorStatsMessage {
  readonly endpoint: EndpointMessage;
  readonly output: CountersMessage;
  readonly description?: string;
  readonly health?: string;
}

export interface PipelineStatsMessage {
  readonly name: string;
  readonly output: CountersMessage;
}

/** Of its collectors, or of its pipeline. */
export interface OutputStatsMessage {
  readonly collectors?: readonly CollectorStatsMessage[];
  readonly pipeline?: PipelineStatsMessage;
  readonly name?: string;
  readonly description?: string;
  readonly sampledOut?: CountersMessage;
  readonly filteredOut?: CountersMessage;
}

export interface RuleStatsMessage {
  readonly exporter: ExporterStatsMessage;
  readonly outputs: readonly OutputStatsMessage[];
  readonly description?: string;
}

export interface ProxyStatsMessage {
  readonly rules?: readonly RuleStatsMessage[];
  readonly defaultOutputs?: readonly OutputStatsMessage[];
  readonly mismatched?: CountersMessage;
}

export interface BuildInfoMessage {
  readonly version: string;
  readonly commit: string;
  readonly buildTime: string;
  readonly nodeVersion: string;
  readonly platform: string;
  readonly pid: number;
}

export interface SubsystemStatusMessage {
  readonly state: string;
  readonly error?: string;
}

export interface ErrnoCountMessage {
  readonly code: string;
  readonly count: string;
}

/** What a counter of each kind of the catalogue becomes. */
export interface CounterMessages {
  readonly traffic: CountersMessage;
  /** Decimal. */
  readonly count: string;
  readonly errors: readonly ErrnoCountMessage[];
}

export type ForwarderCountersMessage = {
  readonly [Row in KnownCounter as Row['key']]: CounterMessages[Row['kind']];
};

export interface ForwarderStatusMessage extends ForwarderCountersMessage {
  readonly index: number;
  readonly pid?: number;
  readonly restarts: string;
  /** RFC 3339 in UTC. */
  readonly startedAt?: string;
}

export interface FollowerStatusMessage {
  readonly state: 'Disconnected' | 'Connected';
  readonly leader: string;
  readonly leaderRevision?: string;
  readonly appliedRevision?: string;
  readonly lagRevisions?: string;
  readonly secondsSinceContact?: number;
  readonly overridden: boolean;
  readonly error?: string;
}

export interface ApiStatusMessage {
  readonly access: 'open' | 'roles';
  /** Decimal, by cause. */
  readonly rejected: Readonly<Record<string, string>>;
}

export interface WatchedCollectorMessage {
  readonly endpoint: EndpointMessage;
  readonly check: string;
  readonly state: string;
  /** RFC 3339 in UTC. */
  readonly since: string;
  readonly cause?: string;
  readonly problem?: string;
}

export interface HealthStatusMessage {
  readonly watched: number;
  readonly down: number;
  readonly unknown: number;
  readonly troubled: readonly WatchedCollectorMessage[];
}

export interface ListenerStatusMessage {
  readonly address: string;
  readonly received: CountersMessage;
  /** Decimal. */
  readonly kernelDrops: string;
}

export interface KernelEngineStatusMessage {
  readonly problem?: string;
  readonly interfaces: readonly string[];
  readonly handled: CountersMessage;
  readonly up: readonly {
    readonly reason: string;
    readonly meaning: string;
    /** Decimal. */
    readonly packets: string;
  }[];
}

export interface SystemStatusMessage {
  readonly proxy: SubsystemStatusMessage;
  readonly database: SubsystemStatusMessage;
  readonly forwarders: readonly ForwarderStatusMessage[];
  readonly listeners?: readonly ListenerStatusMessage[];
  readonly kernelEngine?: KernelEngineStatusMessage;
  readonly draining?: boolean;
  /** RFC 3339 in UTC. */
  readonly countersSince?: string;
  readonly endedForwarders?: ForwarderCountersMessage;
  readonly follower?: FollowerStatusMessage;
  readonly api?: ApiStatusMessage;
  readonly health?: HealthStatusMessage;
}
