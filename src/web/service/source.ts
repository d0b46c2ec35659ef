import type { PresentRules } from '../../control/statistics.ts';
import type { CollectorStatus } from '../../model/collector-status.ts';
import type { EventCounts } from '../../model/events.ts';
import type { ExporterReport, SilentExporter } from '../../model/exporter-status.ts';
import type { BuildInfo } from '../../model/status.ts';
import type { RejectionCounts } from '../../telemetry/rejections.ts';
import type {
  EndedForwarders,
  ForwarderStatus,
  ListenerStatus,
  SystemStatus,
} from '../../telemetry/status.ts';

/** What monitoring asks of the service, whatever it does. Answers come from memory. */
export interface ServiceSource {
  readonly buildInfo: BuildInfo;
  readonly startedAt: Date;
  forwarders(): readonly ForwarderStatus[];
  listeners(): readonly ListenerStatus[];
  endedForwarders(): EndedForwarders | undefined;
  /** Why this node does not do its share at the moment; undefined when it does. */
  notReady(): string | undefined;
  droppedLogLines(): number;
  /** Absent where there is no proxy: a collector alone. */
  readonly proxy?: ProxySource | undefined;
}

/** What the proxy has besides. What takes longer is read in turns with everything else. */
export interface ProxySource {
  status(): SystemStatus;
  presentRules(): PresentRules;
  collectors(): Promise<readonly CollectorStatus[]>;
  exporters(silentAfterMs: number): Promise<ExporterReport>;
  /** Who is expected to send, and does not. */
  silentExporters(): readonly SilentExporter[];
  api(): ApiFigures;
  /** Since the service started. */
  events(): EventCounts;
  /** Bytes of the file and what lies beside it; undefined when it is not there. Waits for no disk. */
  databaseBytes(): number | undefined;
}

/** What the API has done since the service was started. */
export interface ApiFigures {
  readonly calls: readonly CallCount[];
  /** Open now. */
  readonly connections: number;
  readonly accepted: number;
  /** What was turned away, by cause. */
  readonly rejected: RejectionCounts;
  /** Whether callers have roles: else everybody who reaches the API may do everything. */
  readonly hasRoles: boolean;
}

/** Calls of one method that ended with one status. */
export interface CallCount {
  /** `collector.proto.Settings/ListProxyRules` */
  readonly method: string;
  /** Of gRPC: `OK`, `INVALID_ARGUMENT`. */
  readonly code: string;
  readonly calls: number;
  /** From their first header to their status, together. */
  readonly seconds: number;
}
