/** What monitoring reads of the service: from its parts, as they are at the moment. */
import type { ApiServer } from '../api/server.ts';
import type { Config } from '../config/config.ts';
import type { Control } from '../control/control.ts';
import type { ControlPlane } from '../control/control-plane.ts';
import type { Plane } from '../dataplane/plane.ts';
import type { BuildInfo } from '../model/status.ts';
import type { EventLog } from '../telemetry/event-log.ts';
import { notReadyReason } from '../telemetry/health.ts';
import type { ServiceSource } from '../web/service/source.ts';
import { DatabaseSize } from './database-size.ts';
import type { ExporterWatch } from './exporter-watch.ts';
import type { ProcessLog } from './log.ts';

interface CommonParts {
  readonly buildInfo: BuildInfo;
  readonly startedAt: Date;
  readonly processLog: ProcessLog;
}

export interface ProxyParts extends CommonParts {
  readonly config: Pick<Config, 'databasePath'>;
  readonly control: ControlPlane;
  /** What the API serves. */
  readonly served: Control;
  readonly api: ApiServer;
  readonly events: Pick<EventLog, 'counts'>;
  readonly exporters: Pick<ExporterWatch, 'silent'>;
}

export function proxySource(parts: ProxyParts): ServiceSource {
  const { config, buildInfo, startedAt, processLog, control, served, api, events, exporters } =
    parts;
  const databaseSize = new DatabaseSize(config.databasePath);
  return {
    buildInfo,
    startedAt,
    forwarders: () => served.status().forwarders,
    listeners: () => served.status().listeners ?? [],
    endedForwarders: () => served.status().endedForwarders,
    notReady: () => notReadyReason(served.status()),
    droppedLogLines: processLog.droppedLines,
    proxy: {
      status: () => served.status(),
      presentRules: () => control.presentRules(),
      collectors: () => served.collectors(),
      exporters: (silentAfterMs) => served.exporters(silentAfterMs),
      api: () => {
        const { hasRoles, rejections: rejected } = api.status();
        return { ...api.figures(), hasRoles, rejected };
      },
      silentExporters: () => exporters.silent(),
      events: () => events.counts,
      databaseBytes: () => databaseSize.read(),
    },
  };
}

export interface CollectorParts extends CommonParts {
  readonly plane: Plane;
}

/** Of a collector without the proxy. */
export function collectorSource(parts: CollectorParts): ServiceSource {
  const { buildInfo, startedAt, processLog, plane } = parts;
  return {
    buildInfo,
    startedAt,
    forwarders: () => plane.forwarders(),
    listeners: () => plane.listeners(),
    endedForwarders: () => plane.endedForwarders(),
    notReady: () => notReadyReason({ proxy: plane.status(), isDraining: false }),
    droppedLogLines: processLog.droppedLines,
  };
}
