import type { Logger } from 'pino';
import type { Control } from '../control/control.ts';
import type { PipelineStatsSource } from '../flow/pipeline/stats.ts';
import type { Role } from '../model/caller.ts';
import type { PacketCapture } from '../model/capture.ts';
import type { BuildInfo } from '../model/status.ts';
import { loadServices } from '../protocol/definitions.ts';
import type { ApiStatus } from '../telemetry/status.ts';
import { BACKUP_LIMITS, type BackupParts, makeBackup, restoreBackup } from './backup.ts';
import { capturePackets } from './capture-packets.ts';
import { Health } from './health.ts';
import { getRevision, type HistoryControl, historyEntries } from './history.ts';
import { implement } from './implement.ts';
import type { Method, RequestLimits } from './method.ts';
import { type PipelineControl, pipelinesEntries } from './pipelines.ts';
import { reflectionMethods } from './reflection.ts';
import { metricsEntries, SMALL, type StreamEntry, settingsEntries } from './services.ts';
import { type FlowTails, TAIL_LIMITS, tailFlows } from './tail-flows.ts';
import {
  FILTERED,
  MAX_LISTS,
  type Surroundings,
  viewEntries,
  viewStreams,
} from './view/entries.ts';
import { listExporters } from './view/traffic.ts';
import { watchRules } from './watch-rules.ts';
import { WatcherPlaces } from './watcher-places.ts';

/** Nodes that follow this one: a handful. A broken connection may count for a while. */
const MAX_RULE_WATCHERS = 64;

/** People who capture packets: as many as forwarders serve at a time. */
const MAX_CAPTURES = 8;

/** People who look at flows. */
const MAX_FLOW_WATCHERS = 8;

/** Backups that are made or restored at the same time: each takes room on the disk. */
const MAX_BACKUPS = 2;

/** What the services of the API tell and change. */
export interface ServiceParts {
  readonly control: Control;
  readonly pipelines: PipelineControl;
  /** Absent: there are none. */
  readonly pipelineStats?: PipelineStatsSource | undefined;
  /** Absent: there is nothing to look at. */
  readonly tails?: FlowTails | undefined;
  readonly rulesHistory: HistoryControl;
  readonly backups: BackupParts['backups'];
  /** Absent: no packets can be captured. */
  readonly captures?: PacketCapture | undefined;
  readonly buildInfo: BuildInfo;
  readonly surroundings: Surroundings;
  readonly log: Logger;
}

/** All methods of the API, health and reflection among them. @param apiStatus of the API itself */
export function makeMethods(parts: ServiceParts, apiStatus: () => ApiStatus): Method[] {
  const { control, pipelineStats, surroundings, tails, log } = parts;
  const services = loadServices();
  const changing = { ...parts, pipelines: () => parts.pipelines.names, apiStatus };
  const backups = { ...parts, changes: changing };
  const copying = new WatcherPlaces(MAX_BACKUPS);
  return [
    ...implement(services.settings, settingsEntries(changing), {
      WatchProxyRules: bounded('viewer', SMALL, watchRules(control), MAX_RULE_WATCHERS),
    }),
    ...implement(services.metrics, metricsEntries({ control, pipelineStats }), {
      TailFlows: bounded('viewer', TAIL_LIMITS, tailFlows(pipelineStats, tails), MAX_FLOW_WATCHERS),
      ListExporters: bounded('viewer', FILTERED, listExporters(control), MAX_LISTS),
    }),
    ...implement(services.pipelines, pipelinesEntries(parts)),
    ...implement(
      services.view,
      viewEntries({ ...changing, ...surroundings }),
      viewStreams(control, surroundings.events),
    ),
    ...implement(
      services.history,
      historyEntries(changing),
      {
        GetRevision: { role: 'viewer', handler: getRevision(changing), limits: SMALL },
        Backup: { role: 'admin', handler: copying.limit(makeBackup(backups)), limits: SMALL },
      },
      {
        Restore: {
          role: 'admin',
          handler: copying.limit(restoreBackup(backups)),
          limits: BACKUP_LIMITS,
        },
      },
    ),
    ...implement(
      services.capture,
      {},
      {
        CapturePackets: bounded('admin', SMALL, capturePackets(parts.captures, log), MAX_CAPTURES),
      },
    ),
    ...new Health({ control, log }).methods(),
    ...reflectionMethods(),
  ];
}

/** A stream with so many places of its own. */
function bounded(
  role: Role,
  limits: RequestLimits,
  handler: StreamEntry['handler'],
  places: number,
): StreamEntry {
  return { role, limits, handler: new WatcherPlaces(places).limit(handler) };
}
