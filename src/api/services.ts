import { FloxyError } from '../base/errors.ts';
import type { Control } from '../control/control.ts';
import type { PipelineStatsSource } from '../flow/pipeline/stats.ts';
import type { Role } from '../model/caller.ts';
import { MAX_REQUEST_BYTES, MAX_SLOTS_PER_RULE_SET } from '../model/limits.ts';
import type { RuleChange } from '../model/rules.ts';
import type { BuildInfo } from '../model/status.ts';
import {
  fromBuildInfo,
  fromRuleSet,
  fromStatistics,
  fromSystemStatus,
  toDeletion,
  toExporters,
  toReplacement,
  toUpdate,
} from '../protocol/codec.ts';
import { dryRunSupport, revisionHeaders } from '../protocol/headers.ts';
import type { DrainRequest, EmptyRequest, ExportersRequest } from '../protocol/messages.ts';
import type { Unchecked } from '../rules/endpoint-message.ts';
import type { RuleSetMessage } from '../rules/message.ts';
import type { ApiStatus } from '../telemetry/status.ts';
import type { CallContext } from './call-context.ts';
import { type ChangeParts, makeChange } from './make-change.ts';
import type { Handler, Method, RequestLimits } from './method.ts';
import { fromPipelineStats } from './pipeline-stats.ts';

export interface SettingsParts extends ChangeParts {
  readonly buildInfo: BuildInfo;
  /** Of this API. */
  readonly apiStatus?: () => ApiStatus;
}

export interface MetricsParts {
  readonly control: Control;
  /** Absent: there are none. */
  readonly pipelineStats?: PipelineStatsSource | undefined;
}

/** A unary method as its service has it. */
export interface Entry {
  /** What a caller has to have. */
  readonly role: Role;
  readonly handler: Handler<never>;
  readonly limits: RequestLimits;
  readonly isLong?: boolean;
}

export type Entries = Readonly<Record<string, Entry>>;

/** A method that answers with a stream, as its service has it. */
export type StreamEntry = Pick<Extract<Method, { kind: 'stream' }>, 'handler' | 'limits'> &
  Pick<Entry, 'role'>;

/** A method that takes a stream and answers with one. */
export type ChatEntry = Pick<Extract<Method, { kind: 'chat' }>, 'handler' | 'limits'> &
  Pick<Entry, 'role'>;

const MIB = 1024 * 1024;

/** Rule sets are large; nothing else is. */
const RULES: RequestLimits = { maxBytes: MAX_REQUEST_BYTES, maxItems: MAX_SLOTS_PER_RULE_SET };
/** Exporters to delete: 100,000 with the longest addresses. */
const DELETED: RequestLimits = { maxBytes: 8 * MIB, maxItems: 200_000 };
/** Exporters whose statistics are wanted. Who wants more asks for all. */
const ASKED: RequestLimits = { maxBytes: MIB, maxItems: 10_000 };
/** Of requests without lists. */
export const SMALL: RequestLimits = { maxBytes: 4096, maxItems: 0 };

/** The handlers of collector.proto.Settings. */
export function settingsEntries(parts: SettingsParts): Entries {
  const { control, buildInfo, pipelines, log } = parts;
  const apply = (call: string, change: RuleChange, context: CallContext) =>
    makeChange({ control, log, pipelines }, { call, change }, context);
  return {
    ListProxyRules: entry(
      'viewer',
      SMALL,
      (_request: EmptyRequest, { addressFormat }) => {
        checkRestored(control);
        const { revision, ruleSet } = control.rules();
        const headers = { ...revisionHeaders(revision), ...dryRunSupport() };
        return { parts: fromRuleSet(ruleSet, addressFormat), headers };
      },
      { isLong: true },
    ),
    ReplaceProxyRules: entry(
      'editor',
      RULES,
      async (request: Unchecked<RuleSetMessage>, context) => {
        const change = await context.work(() => toReplacement(request));
        return apply('ReplaceProxyRules', change, context);
      },
    ),
    UpdateProxyRules: entry(
      'editor',
      RULES,
      async (request: Unchecked<RuleSetMessage>, context) => {
        const change = await context.work(() => toUpdate(request));
        return apply('UpdateProxyRules', change, context);
      },
    ),
    DeleteProxyRules: entry('editor', DELETED, async (request: ExportersRequest, context) => {
      const change = await context.work(() => toDeletion(request));
      return apply('DeleteProxyRules', change, context);
    }),
    ...proxyStatsEntries(control),
    GetBuildInfo: entry('viewer', SMALL, () => ({
      parts: [fromBuildInfo(buildInfo)],
      headers: dryRunSupport(),
    })),
    GetSystemStatus: entry('viewer', SMALL, () => ({
      parts: [fromSystemStatus(control.status(), parts.apiStatus?.())],
    })),
    Drain: entry('editor', SMALL, ({ cancel = false }: DrainRequest, { caller }) => {
      control.setDraining(!cancel);
      log.info(
        { call: 'Drain', who: caller.who, from: caller.from },
        cancel ? 'draining cancelled' : 'draining',
      );
      return { parts: [{}] };
    }),
  };
}

/** The handlers of collector.proto.Metrics. */
export function metricsEntries({ control, pipelineStats }: MetricsParts): Entries {
  return {
    ...proxyStatsEntries(control),
    GetPipelineStats: entry('viewer', SMALL, (_: EmptyRequest) => {
      const pipelines = pipelineStats?.pipelines() ?? [];
      return { parts: [fromPipelineStats(pipelines, pipelineStats?.templatePeers?.())] };
    }),
  };
}

/** Both services have it. */
function proxyStatsEntries(control: Control): Entries {
  return {
    GetProxyStats: entry(
      'viewer',
      ASKED,
      async (request: ExportersRequest, context) => {
        checkRestored(control);
        const statistics = await context.work(() => control.statistics(toExporters(request)));
        return { parts: fromStatistics(statistics, context.addressFormat) };
      },
      { isLong: true },
    ),
  };
}

function entry<Request>(
  role: Role,
  limits: RequestLimits,
  handler: Handler<Request>,
  { isLong = false }: { readonly isLong?: boolean } = {},
): Entry {
  return { role, limits, handler, isLong };
}

/** Spec A10: an answer without the saved rules would be taken for all there are. */
function checkRestored(control: Control): void {
  const reason = control.restoring();
  if (reason !== undefined) throw new FloxyError('NOT_READY', reason);
}
