import { performance } from 'node:perf_hooks';
import type { Control } from '../../control/control.ts';
import type { PipelineStatsSource } from '../../flow/pipeline/stats.ts';
import type { CollectorStatus } from '../../model/collector-status.ts';
import type { SilentExporter } from '../../model/exporter-status.ts';
import type { BuildInfo } from '../../model/status.ts';
import { fromBuildInfo, fromSystemStatus } from '../../protocol/codec.ts';
import { fromTraffic } from '../../protocol/view-codec.ts';
import type { OverviewMessage } from '../../protocol/view-messages.ts';
import type { ApiStatus } from '../../telemetry/status.ts';
import type { TrafficHistory } from '../../telemetry/traffic-history.ts';
import { judge } from './problems.ts';

const RECENT_SECONDS = 300;
const NOW_SECONDS = 10;

/** Who knows what an overview tells. */
export interface OverviewSources {
  readonly control: Pick<Control, 'status' | 'rules' | 'restoring' | 'collectors'>;
  readonly pipelineStats?: PipelineStatsSource | undefined;
  readonly buildInfo: BuildInfo;
  readonly startedAt: Date;
  /** Addresses on which flow is received. */
  readonly listening: readonly string[];
  readonly history: Pick<TrafficHistory, 'last'>;
  /** Who is expected to send, and does not. */
  readonly exporters: { silent(): readonly SilentExporter[] };
  /** Of the API that answers. */
  readonly apiStatus?: () => ApiStatus;
}

/** Callers within this time share a report of collectors: with many rules it takes some work. */
const SHARED_MS = 2000;

/** @returns what makes an overview */
export function overviews(sources: OverviewSources): () => Promise<OverviewMessage> {
  let shared:
    | { readonly atMs: number; readonly report: ReturnType<Control['collectors']> }
    | undefined;
  return async () => {
    const atMs = performance.now();
    if (shared === undefined || atMs - shared.atMs > SHARED_MS) {
      shared = { atMs, report: sources.control.collectors() };
    }
    return overviewOf(sources, await shared.report);
  };
}

function overviewOf(
  sources: OverviewSources,
  collectors: readonly CollectorStatus[],
): OverviewMessage {
  const { control, pipelineStats, buildInfo, startedAt, listening, history } = sources;
  const silent = sources.exporters.silent();
  const status = control.status();
  const recent = history.last(RECENT_SECONDS);
  const now = history.last(NOW_SECONDS);
  const counts = countRules(control);
  const rules = counts && counts.rules + counts.defaultOutputs;
  const pipelines = pipelineStats?.pipelines() ?? [];
  const templatePeers = pipelineStats?.templatePeers?.() ?? [];
  return {
    ...fromSystemStatus(status, sources.apiStatus?.()),
    ...judge({
      status,
      rules,
      recent,
      pipelines,
      templatePeers,
      collectors,
      silent,
      now: new Date(),
    }),
    build: fromBuildInfo(buildInfo),
    startedAt: startedAt.toISOString(),
    listening,
    ...(counts && {
      revision: `${counts.revision}`,
      rules: `${counts.rules}`,
      defaultOutputs: `${counts.defaultOutputs}`,
    }),
    ...(recent && { recent: fromTraffic(recent) }),
    ...(now && { now: fromTraffic(now) }),
  };
}

function countRules(control: OverviewSources['control']) {
  if (control.restoring() !== undefined) return undefined;
  const { revision, ruleSet } = control.rules();
  return {
    revision,
    rules: ruleSet.rules.length,
    defaultOutputs: ruleSet.defaultOutputs.length,
  };
}
