import type { Control } from '../../control/control.ts';
import type { PipelineStatsSource } from '../../flow/pipeline/stats.ts';
import type { BuildInfo } from '../../model/status.ts';
import { fromBuildInfo, fromSystemStatus } from '../../protocol/codec.ts';
import { fromTraffic } from '../../protocol/view-codec.ts';
import type { OverviewMessage } from '../../protocol/view-messages.ts';
import type { TrafficHistory } from '../../telemetry/traffic-history.ts';
import { judge } from './problems.ts';

const RECENT_SECONDS = 300;
const NOW_SECONDS = 10;

/** Who knows what an overview tells. */
export interface OverviewSources {
  readonly control: Pick<Control, 'status' | 'rules' | 'restoring'>;
  readonly pipelineStats?: PipelineStatsSource | undefined;
  readonly buildInfo: BuildInfo;
  readonly startedAt: Date;
  /** Addresses on which flow is received. */
  readonly listening: readonly string[];
  readonly history: Pick<TrafficHistory, 'last'>;
}

export function overviewOf(sources: OverviewSources): OverviewMessage {
  const { control, pipelineStats, buildInfo, startedAt, listening, history } = sources;
  const status = control.status();
  const recent = history.last(RECENT_SECONDS);
  const now = history.last(NOW_SECONDS);
  const counts = countRules(control);
  const rules = counts && counts.rules + counts.defaultOutputs;
  const pipelines = pipelineStats?.pipelines() ?? [];
  const templatePeers = pipelineStats?.templatePeers?.() ?? [];
  return {
    ...fromSystemStatus(status),
    ...judge({ status, rules, recent, pipelines, templatePeers }),
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
