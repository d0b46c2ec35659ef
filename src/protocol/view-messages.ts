/** The messages of proto/view.proto, as messages.ts has those of the others. */
import type { EventKind } from '../model/events.ts';
import type { EndpointMessage, Unchecked } from '../rules/endpoint-message.ts';
import type { ExporterMessage } from '../rules/message.ts';
import type {
  BuildInfoMessage,
  CountersMessage,
  ErrnoCountMessage,
  ProxyRulesMessage,
  ProxyStatsMessage,
  SystemStatusMessage,
  WatchedCollectorMessage,
} from './messages.ts';

export type Verdict = 'OK' | 'Degraded' | 'Configuring' | 'NotConfigured' | 'Offline';

export interface RateMessage {
  readonly packetsPerSecond: number;
  readonly bytesPerSecond: number;
}

export interface TrafficLossMessage {
  readonly kind: string;
  /** Decimal. */
  readonly packets: string;
  readonly advice: string;
}

export interface TrafficMessage {
  readonly seconds: number;
  readonly received: RateMessage;
  readonly forwarded: RateMessage;
  readonly pipelines: RateMessage;
  readonly losses: readonly TrafficLossMessage[];
  readonly restarts: string;
}

export interface ProblemMessage {
  readonly what: string;
  readonly advice?: string;
}

export interface OverviewMessage extends SystemStatusMessage {
  readonly verdict: Verdict;
  readonly build: BuildInfoMessage;
  /** RFC 3339 in UTC. */
  readonly startedAt: string;
  readonly listening: readonly string[];
  readonly revision?: string;
  readonly rules?: string;
  readonly defaultOutputs?: string;
  readonly recent?: TrafficMessage;
  readonly now?: TrafficMessage;
  readonly problems: readonly ProblemMessage[];
}

export interface ServiceSettingMessage {
  readonly variable: string;
  readonly value: string;
  readonly meaning: string;
}

export interface ServiceSettingsMessage {
  readonly settings: readonly ServiceSettingMessage[];
}

export interface RuleFilterMessage {
  readonly exporters?: readonly string[];
  readonly collectors?: readonly string[];
  readonly pipelines?: readonly string[];
}

/** Of ListRules and ListStats. */
export interface ListRequestMessage {
  readonly filter?: RuleFilterMessage | null;
  readonly limit?: number;
}

export interface RulesPageMessage extends ProxyRulesMessage {
  readonly revision?: string;
}

export type StatsPageMessage = ProxyStatsMessage;

export type TrafficOrder = 'Unspecified' | 'Packets' | 'Bytes' | 'Lost' | 'LastSeen' | 'Address';

export type ExporterChoice = 'All' | 'Unknown' | 'Silent' | 'Sending';

export interface WatchTrafficRequestMessage {
  readonly exporters?: boolean;
  readonly collectors?: boolean;
  readonly filter?: RuleFilterMessage | null;
  readonly choice?: ExporterChoice;
  readonly order?: TrafficOrder;
  readonly limit?: number;
  readonly intervalSeconds?: number;
  readonly count?: number;
  readonly silentSeconds?: number;
}

export interface ExporterTrafficMessage {
  readonly endpoint: EndpointMessage;
  readonly rule?: EndpointMessage;
  readonly rulePrefixLength?: number;
  readonly ruleListeningPort?: number;
  readonly state: 'Sending' | 'Unknown' | 'Silent';
  readonly received: CountersMessage;
  readonly rate: RateMessage;
  readonly protocol: string;
  /** RFC 3339 in UTC. */
  readonly firstSeen?: string;
  readonly lastSeen?: string;
  readonly truncated: string;
  readonly lost: string;
  readonly lostPerSecond: number;
  readonly protocols: readonly string[];
  readonly missed: readonly MissedByExporterMessage[];
  readonly expectEvery?: string;
  readonly description?: string;
}

export interface MissedByExporterMessage {
  readonly protocol: string;
  /** Decimal. */
  readonly lost: string;
  readonly sequences: number;
}

export interface ListExportersRequestMessage {
  readonly filter?: RuleFilterMessage | null;
  readonly choice?: ExporterChoice;
  readonly order?: TrafficOrder;
  readonly limit?: number;
  readonly intervalSeconds?: number;
  readonly silentSeconds?: number;
}

export interface ExportersPageMessage {
  readonly exporters?: readonly ExporterTrafficMessage[];
  readonly count?: string;
  readonly since?: string;
  readonly forgotten?: string;
}

export interface SendErrorMessage {
  readonly code: string;
  readonly at: string;
  readonly exporter?: EndpointMessage;
}

export interface CollectorTrafficMessage {
  readonly endpoint: EndpointMessage;
  readonly outputs: number;
  readonly sent: CountersMessage;
  readonly rate: RateMessage;
  readonly errors: readonly ErrnoCountMessage[];
  readonly lostPerSecond: number;
  readonly lastError?: SendErrorMessage;
  readonly route: string;
  readonly neighbour: string;
  readonly device?: string;
  readonly via?: string;
  readonly problem?: string;
  readonly health?: WatchedCollectorMessage;
  readonly description?: string;
  readonly sender?: string;
  readonly senderReason?: string;
}

export interface ExplainExporterRequestMessage {
  readonly exporter?: Unchecked<EndpointMessage> | null;
  readonly listeningPort?: number;
}

export interface ExplainedRuleMessage {
  readonly exporter: ExporterMessage;
  readonly index: number;
  readonly why: string;
  readonly input: CountersMessage;
  readonly description?: string;
}

export interface ExplainedCollectorMessage {
  readonly endpoint: EndpointMessage;
  readonly share: number;
  readonly source: string;
  readonly marks: readonly string[];
  readonly route: string;
  readonly neighbour: string;
  readonly via?: string;
  readonly device?: string;
  readonly mtu?: number;
  readonly problem?: string;
  readonly description?: string;
  readonly health?: string;
}

export interface ExplainedOutputMessage {
  readonly conditions: readonly string[];
  readonly choice?: string;
  readonly collectors: readonly ExplainedCollectorMessage[];
  readonly pipeline?: string;
  readonly name?: string;
  readonly description?: string;
  readonly problem?: string;
}

export interface ExplanationMessage {
  readonly exporter: EndpointMessage;
  readonly listeningPort?: number;
  readonly revision: string;
  readonly rule?: ExplainedRuleMessage;
  readonly others: readonly ExplainedRuleMessage[];
  readonly otherCount: number;
  readonly outputs: readonly ExplainedOutputMessage[];
  readonly notes: readonly string[];
}

export interface TrafficViewMessage {
  readonly exporters?: readonly ExporterTrafficMessage[];
  readonly collectors?: readonly CollectorTrafficMessage[];
  readonly total?: TrafficMessage;
  readonly exporterCount?: string;
  readonly collectorCount?: string;
  readonly since?: string;
  readonly forgotten?: string;
  readonly forgottenCopies?: string;
  readonly last?: boolean;
}

export interface WatchEventsRequestMessage {
  readonly kinds?: readonly (EventKind | 'Unspecified')[];
  /** Decimal. */
  readonly after?: string;
  readonly follow?: boolean;
}

export interface EventMessage {
  readonly kind: EventKind;
  /** Decimal. */
  readonly number: string;
  /** RFC 3339 in UTC. */
  readonly at: string;
  readonly subject: string;
  readonly rule?: string;
  readonly description?: string;
  readonly collectors: readonly string[];
  readonly exporters: readonly string[];
  readonly cause?: string;
  readonly advice?: string;
}

export interface EventsPageMessage {
  readonly events: readonly EventMessage[];
  readonly missed?: string;
}
