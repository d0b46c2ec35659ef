/** The messages of proto/view.proto, as messages.ts has those of the others. */
import type { BuildInfoMessage, SystemStatusMessage } from './messages.ts';

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
