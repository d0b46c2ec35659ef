import type { PipelineStats, TemplatePeerStats } from '../../flow/pipeline/stats.ts';
import type { CollectorStatus } from '../../model/collector-status.ts';
import type { SilentExporter } from '../../model/exporter-status.ts';
import type { FollowerStatus } from '../../model/status.ts';
import type { ProblemMessage, Verdict } from '../../protocol/view-messages.ts';
import type { SystemStatus } from '../../telemetry/status.ts';
import type { Traffic } from '../../telemetry/traffic-history.ts';
import { collectorProblems } from './collector-problems.ts';
import { silentProblems } from './silent-problems.ts';

/** What a node is judged by. */
export interface Judged {
  readonly status: SystemStatus;
  /** How many rules and default outputs there are; undefined while the saved ones are not known. */
  readonly rules: number | undefined;
  readonly recent: Traffic | undefined;
  readonly pipelines: readonly PipelineStats[];
  readonly templatePeers: readonly TemplatePeerStats[];
  readonly collectors: readonly CollectorStatus[];
  /** Who is expected to send, and does not. */
  readonly silent: readonly SilentExporter[];
  readonly now: Date;
}

/** Something that is wrong, and whether the node is Degraded by it or only a person should know. */
interface Found extends ProblemMessage {
  readonly isGrave?: boolean;
}

/** Spec S20: the state of the node in one word, and what is wrong, the worst first. */
export function judge(node: Judged): {
  readonly verdict: Verdict;
  readonly problems: readonly ProblemMessage[];
} {
  const found = [
    ...subsystemProblems(node.status),
    ...followerProblems(node.status.follower),
    ...pipelineProblems(node),
    ...forwarderProblems(node),
    ...trafficProblems(node),
    ...collectorProblems(node.collectors, startOf(node)),
    ...silentProblems(node.silent, node.now),
    ...wishes(node),
  ];
  const { state } = node.status.proxy;
  const isDegraded = found.some(({ isGrave }) => isGrave);
  const verdict = state === 'OK' && isDegraded ? 'Degraded' : state;
  return { verdict, problems: found.map(({ isGrave: _, ...problem }) => problem) };
}

function subsystemProblems({ proxy, database }: SystemStatus): Found[] {
  const found: Found[] = [];
  for (const [name, { state, error }] of [
    ['proxy', proxy] as const,
    ['database', database] as const,
  ]) {
    if (error !== undefined) found.push({ what: `${name}: ${error}`, isGrave: true });
    else if (state !== 'OK') found.push({ what: `${name} is ${state}`, isGrave: true });
  }
  return found;
}

function followerProblems(follower: FollowerStatus | undefined): Found[] {
  if (follower === undefined) return [];
  const { leader, isConnected, isOverridden, error, secondsSinceContact } = follower;
  const found: Found[] = [];
  if (error !== undefined) found.push({ what: `leader ${leader}: ${error}`, isGrave: true });
  else if (!isConnected) {
    const when =
      secondsSinceContact === undefined
        ? 'was never heard'
        : `was heard ${Math.round(secondsSinceContact)} s ago for the last time`;
    const advice =
      'the last rules stay in force; is `floxy serve` running there, and the way open?';
    found.push({ what: `leader ${leader} ${when}`, advice, isGrave: true });
  }
  if (isOverridden) {
    const advice = 'they hold until the rules change there';
    found.push({
      what: `the rules are not those of the leader ${leader}: they were changed here`,
      advice,
    });
  }
  return found;
}

function pipelineProblems({ pipelines, templatePeers }: Judged): Found[] {
  const failing = pipelines.flatMap(({ name, state, error, workers }): Found[] => {
    if (state === 'failing' || state === 'missing') {
      return [
        { what: `pipeline ${name} is ${state}: ${error ?? 'its log says why'}`, isGrave: true },
      ];
    }
    const producer = workers.find((worker) => worker.producer.state === 'failing')?.producer;
    if (producer === undefined) return [];
    const what = `pipeline ${name}: its producer is failing: ${producer.error ?? 'its log says why'}`;
    return [{ what, isGrave: true }];
  });
  const peers = templatePeers.flatMap(({ peer, state, error }) =>
    state === 'failing' ? [{ what: `templates of ${peer}: ${error}` }] : [],
  );
  return [...failing, ...peers];
}

function forwarderProblems({ status, recent }: Judged): Found[] {
  const gone = status.forwarders.filter(({ pid }) => pid === undefined);
  const found: Found[] = gone.map(({ index }) => ({
    what: `forwarder ${index} has no process: it is being replaced`,
  }));
  if (recent !== undefined && recent.restarts > 0) {
    const what = `processes of forwarders were replaced: ${recent.restarts} in ${spanOf(recent)}`;
    found.push({ what, advice: 'the log of the service says why they ended' });
  }
  return found;
}

function trafficProblems({ status, recent, rules }: Judged): Found[] {
  if (recent === undefined) return [];
  const found: Found[] = recent.losses.map(({ kind, packets, advice }) => ({
    what: `${packets} lost in ${spanOf(recent)}: ${kind}`,
    advice,
  }));
  const isSilent = recent.received.packetsPerSecond === 0 && recent.seconds >= QUIET_SECONDS;
  if (isSilent && status.proxy.state === 'OK' && rules !== undefined && rules > 0) {
    const advice =
      'do the exporters send to this address, and does a firewall let them? `tcpdump` sees what arrives';
    found.push({ what: `no packet has arrived in ${spanOf(recent)}`, advice });
  }
  return found;
}

/** Nothing is said of a node that has just started. */
const QUIET_SECONDS = 60;

function wishes({ status, rules }: Judged): Found[] {
  const found: Found[] = [];
  if (status.isDraining) {
    const advice = 'packets that still come are forwarded; `floxy drain --cancel` ends it';
    found.push({ what: 'the node is being drained: health says NOT_SERVING', advice });
  }
  if (rules === 0) {
    const advice = '`floxy rules replace FILE` puts some in force';
    found.push({ what: 'there are no rules: packets are counted and go nowhere', advice });
  }
  return found;
}

function startOf({ recent, now }: Judged): Date {
  return new Date(now.getTime() - (recent?.seconds ?? 0) * 1000);
}

function spanOf({ seconds }: Traffic): string {
  const minutes = Math.round(seconds / 60);
  return seconds < 90 ? `${Math.round(seconds)} s` : `${minutes} min`;
}
