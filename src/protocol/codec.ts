/**
 * Messages of the protocol ↔ values of src/model. Nothing else turns one into the other, but
 * revision-codec.ts, which knows the stream of revisions.
 * Large answers are made in parts: concatenated, the encodings of the parts are the encoding of the
 * whole (the repeated fields of a protobuf message add up), and the process can do other things between
 * two parts.
 */

import { FloxyError } from '../base/errors.ts';
import type { Exporter, RuleChange, RuleSet } from '../model/rules.ts';
import type {
  Counters,
  OutputStatistics,
  ProxyStatistics,
  RuleStatistics,
} from '../model/statistics.ts';
import type { BuildInfo, ErrnoCount, FollowerStatus, SubsystemStatus } from '../model/status.ts';
import { canonicaliseExporters, canonicaliseInTurns } from '../rules/canonicalise.ts';
import { type AddressFormat, endpointMessage, type Unchecked } from '../rules/endpoint-message.ts';
import { exporterMessage, type RuleSetMessage, ruleMessage } from '../rules/message.ts';
import { outputMessage } from '../rules/output-message.ts';
import { descriptionOf, wordsOf } from '../rules/words.ts';
import { FORWARDER_COUNTERS, type KnownCounter } from '../telemetry/catalogue.ts';
import type {
  ApiStatus,
  EndedForwarders,
  ForwarderCounters,
  ForwarderStatus,
  KernelEngineStatus,
  ListenerStatus,
  SystemStatus,
} from '../telemetry/status.ts';
import { fromHealthSummary } from './health-codec.ts';
import type {
  ApiStatusMessage,
  BuildInfoMessage,
  CountersMessage,
  ErrnoCountMessage,
  ExportersRequest,
  FollowerStatusMessage,
  ForwarderCountersMessage,
  ForwarderStatusMessage,
  KernelEngineStatusMessage,
  ListenerStatusMessage,
  OutputStatsMessage,
  ProxyRulesMessage,
  ProxyStatsMessage,
  RuleStatsMessage,
  SubsystemStatusMessage,
  SystemStatusMessage,
} from './messages.ts';

/** Rules in one part of an answer: a few milliseconds of work. */
const RULES_PER_PART = 500;

/** @throws FloxyError INVALID_INPUT */
export async function toReplacement(message: Unchecked<RuleSetMessage>): Promise<RuleChange> {
  return { kind: 'replace', ruleSet: await canonicaliseInTurns(message) };
}

/** Spec A3: default outputs that are not given stay. @throws FloxyError INVALID_INPUT */
export async function toUpdate(message: Unchecked<RuleSetMessage>): Promise<RuleChange> {
  const { rules, defaultOutputs } = await canonicaliseInTurns(message);
  const edit = { kind: 'edit', deleted: [], upserts: rules } as const;
  return defaultOutputs.length > 0 ? { ...edit, defaultOutputs } : edit;
}

/** Spec A4: an empty list is refused. @throws FloxyError INVALID_INPUT */
export function toDeletion(message: ExportersRequest): RuleChange {
  const deleted = toExporters(message);
  if (deleted.length === 0) {
    throw new FloxyError(
      'INVALID_INPUT',
      'exporters: empty, name at least one (ReplaceProxyRules with an empty message deletes all rules)',
    );
  }
  return { kind: 'edit', deleted, upserts: [] };
}

/** @throws FloxyError INVALID_INPUT */
export function toExporters(message: ExportersRequest): Exporter[] {
  return canonicaliseExporters(message.exporters ?? [], 'exporters');
}

/** A ProxyRules message in parts. */
export function* fromRuleSet(
  { rules, defaultOutputs }: RuleSet,
  format: AddressFormat,
): Generator<ProxyRulesMessage> {
  for (const part of partsOf(rules)) {
    yield { rules: part.map((rule) => ruleMessage(rule, format)) };
  }
  yield { defaultOutputs: defaultOutputs.map((output) => outputMessage(output, format)) };
}

/** A ProxyStats message in parts. */
export function* fromStatistics(
  { rules, defaultOutputs, mismatched }: ProxyStatistics,
  format: AddressFormat,
): Generator<ProxyStatsMessage> {
  for (const part of partsOf(rules)) {
    yield { rules: part.map((rule) => fromRuleStatistics(rule, format)) };
  }
  yield {
    defaultOutputs: defaultOutputs.map((output) => fromOutputStatistics(output, format)),
    mismatched: fromCounters(mismatched),
  };
}

export function fromBuildInfo(info: BuildInfo): BuildInfoMessage {
  const { version, commit, buildTime, nodeVersion, platform, pid } = info;
  return { version, commit, buildTime, nodeVersion, platform, pid };
}

/** @param api of the service that answers */
export function fromSystemStatus(status: SystemStatus, api?: ApiStatus): SystemStatusMessage {
  const { health } = status;
  return {
    proxy: fromSubsystemStatus(status.proxy),
    database: fromSubsystemStatus(status.database),
    forwarders: status.forwarders.map(fromForwarderStatus),
    ...(status.listeners && { listeners: status.listeners.map(fromListenerStatus) }),
    ...(status.kernelEngine && { kernelEngine: fromKernelEngine(status.kernelEngine) }),
    ...(status.endedForwarders && fromEndedForwarders(status.endedForwarders)),
    ...(status.isDraining ? { draining: true } : {}),
    ...(status.follower && { follower: fromFollowerStatus(status.follower) }),
    ...(api && { api: fromApiStatus(api) }),
    ...(health && health.watched > 0 && { health: fromHealthSummary(health) }),
  };
}

function fromListenerStatus(listener: ListenerStatus): ListenerStatusMessage {
  const { address, received, kernelDrops } = listener;
  return { address, received: fromCounters(received), kernelDrops: `${kernelDrops}` };
}

function fromKernelEngine({
  up,
  handled,
  ...engine
}: KernelEngineStatus): KernelEngineStatusMessage {
  return {
    ...engine,
    handled: fromCounters(handled),
    up: up.map(({ packets, ...count }) => ({ ...count, packets: `${packets}` })),
  };
}

function* partsOf<T>(items: readonly T[]): Generator<readonly T[]> {
  for (let start = 0; start < items.length; start += RULES_PER_PART) {
    yield items.slice(start, start + RULES_PER_PART);
  }
}

function fromRuleStatistics(rule: RuleStatistics, format: AddressFormat): RuleStatsMessage {
  return {
    exporter: {
      ...exporterMessage(rule.exporter, format),
      input: fromCounters(rule.input),
    },
    outputs: rule.outputs.map((output) => fromOutputStatistics(output, format)),
    ...descriptionOf(rule),
  };
}

function fromOutputStatistics(
  statistics: OutputStatistics,
  format: AddressFormat,
): OutputStatsMessage {
  const { collectors, pipeline, sampledOut, filteredOut } = statistics;
  const rest = {
    ...(sampledOut && { sampledOut: fromCounters(sampledOut) }),
    ...(filteredOut && { filteredOut: fromCounters(filteredOut) }),
    ...wordsOf(statistics),
  };
  if (collectors === undefined) {
    return { pipeline: { name: pipeline.name, output: fromCounters(pipeline.output) }, ...rest };
  }
  const sums = collectors.map(({ collector, output: sent, health }) => ({
    endpoint: endpointMessage(collector.endpoint, format),
    output: fromCounters(sent),
    ...descriptionOf(collector),
    ...(health && { health }),
  }));
  return { collectors: sums, ...rest };
}

export function fromCounters({ packets, bytes }: Counters): CountersMessage {
  return { packets: packets.toString(), bytes: bytes.toString() };
}

function fromSubsystemStatus({ state, error }: SubsystemStatus): SubsystemStatusMessage {
  return error === undefined ? { state } : { state, error };
}

function fromEndedForwarders({ countedSince, counters }: EndedForwarders) {
  return {
    countersSince: countedSince.toISOString(),
    endedForwarders: fromForwarderCounters(counters),
  };
}

function fromForwarderCounters(counters: ForwarderCounters): ForwarderCountersMessage {
  const messages = FORWARDER_COUNTERS.map((row) => [row.key, fromCounter(counters, row)]);
  // One message of its kind for each row.
  return Object.fromEntries(messages) as ForwarderCountersMessage;
}

function fromForwarderStatus(status: ForwarderStatus): ForwarderStatusMessage {
  const { index, pid, restarts, startedAt } = status;
  return {
    index,
    ...(pid === undefined ? {} : { pid }),
    restarts: restarts.toString(),
    ...(startedAt === undefined ? {} : { startedAt: startedAt.toISOString() }),
    ...fromForwarderCounters(status),
  };
}

function fromCounter(status: ForwarderCounters, row: KnownCounter) {
  switch (row.kind) {
    case 'traffic':
      return fromCounters(status[row.key]);
    case 'count':
      return status[row.key].toString();
    case 'errors':
      return status[row.key].map(fromErrnoCount);
  }
}

function fromFollowerStatus(status: FollowerStatus): FollowerStatusMessage {
  const { leader, leaderRevision, appliedRevision, lagRevisions, secondsSinceContact } = status;
  return {
    state: status.isConnected ? 'Connected' : 'Disconnected',
    leader,
    ...(leaderRevision !== undefined && { leaderRevision: leaderRevision.toString() }),
    ...(appliedRevision !== undefined && { appliedRevision: appliedRevision.toString() }),
    ...(lagRevisions !== undefined && { lagRevisions: lagRevisions.toString() }),
    ...(secondsSinceContact !== undefined && {
      secondsSinceContact: rounded(secondsSinceContact),
    }),
    overridden: status.isOverridden,
    ...(status.error !== undefined && { error: status.error }),
  };
}

/** To thousandths: what is beyond is noise. */
export function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}

function fromApiStatus({ hasRoles, rejections }: ApiStatus): ApiStatusMessage {
  const rejected = Object.entries(rejections).map(([cause, count]) => [cause, String(count)]);
  return { access: hasRoles ? 'roles' : 'open', rejected: Object.fromEntries(rejected) };
}

function fromErrnoCount({ code, count }: ErrnoCount): ErrnoCountMessage {
  return { code, count: count.toString() };
}
