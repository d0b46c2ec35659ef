import type { Endpoint } from './endpoint.ts';
import type { FlowProtocol } from './flow-protocol.ts';
import type { Exporter } from './rules.ts';
import type { Counters } from './statistics.ts';

/** What sequence numbers of a protocol count; others have none. */
export const SEQUENCE_UNITS = {
  NETFLOW_V5: 'flows',
  NETFLOW_V9: 'datagrams',
  IPFIX: 'records',
  SFLOW_V5: 'datagrams',
} as const satisfies Partial<Record<FlowProtocol, string>>;

/** What the sequence numbers of an exporter miss: it was lost before it came here (spec S45). */
export interface SequenceLoss {
  readonly protocol: keyof typeof SEQUENCE_UNITS;
  /** Domains, engines or sub-agents that count by themselves. */
  readonly sequences: number;
  /** In units of the protocol. */
  readonly lost: bigint;
}

/** A source of packets, as forwarders have seen it (spec S24). */
export interface SeenExporter {
  /** Its address and source port; port 0 is a source port too. */
  readonly endpoint: Endpoint;
  readonly received: Counters;
  /** Of its last packet. */
  readonly protocol: FlowProtocol;
  /** Of all its packets, in the order of FLOW_PROTOCOLS. */
  readonly protocols: readonly FlowProtocol[];
  /** One for each protocol that has numbers. */
  readonly missed: readonly SequenceLoss[];
  /** To the second. */
  readonly firstSeen: Date;
  readonly lastSeen: Date;
  /** Its packets that were cut (spec R9). */
  readonly truncated: bigint;
  /**
   * Its packets whose hop limit was used up (spec R14), and its copies that could not be sent or that no collector of
   * an output could take.
   */
  readonly lost: bigint;
}

export interface ExporterStatus extends SeenExporter {
  /** The exporter of the rule that handles its packets now; absent: none matches, the default outputs get them. */
  readonly rule?: Exporter;
  /** What that rule expects (spec S43). */
  readonly expectEveryMs?: number;
  /** Of that rule. */
  readonly description?: string;
}

/** A rule of whose exporter nothing has come for long. */
export interface SilentRule {
  readonly exporter: Exporter;
  /** Absent: not since sightings began. */
  readonly lastSeen?: Date;
  readonly expectEveryMs?: number;
  readonly description?: string;
}

/** An exporter that is expected to send, and does not (spec S43). */
export interface SilentExporter {
  /** Its address, with port when its rule has one; or that of a rule of which nothing ever came. */
  readonly exporter: string;
  readonly rule: Exporter;
  /** Of its rule. */
  readonly description?: string | undefined;
  readonly expectEveryMs: number;
  /** Absent: nothing has come since sightings began. */
  readonly lastSeen?: Date | undefined;
  /** Since when its silence counts. */
  readonly silentSince: Date;
}

export interface ExporterReport {
  /** What came before is not known. */
  readonly since: Date;
  /** In no order. */
  readonly seen: readonly ExporterStatus[];
  readonly silent: readonly SilentRule[];
  /** Sightings that had to make room for others: there are more exporters than are listed. */
  readonly forgotten: bigint;
}
