import type { Logger } from 'pino';
import { FloxyError } from '../base/errors.ts';
import type { Control } from '../control/control.ts';
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
import {
  readExpectedRevision,
  readOverrideFollower,
  revisionHeaders,
} from '../protocol/headers.ts';
import type { DrainRequest, EmptyRequest, ExportersRequest } from '../protocol/messages.ts';
import type { Unchecked } from '../rules/endpoint-message.ts';
import type { RuleSetMessage } from '../rules/message.ts';
import type { Answer, CallContext, Handlers } from './unary.ts';

export interface ServiceParts {
  readonly control: Control;
  readonly buildInfo: BuildInfo;
  readonly log: Logger;
}

/** The handlers of collector.proto.Settings. */
export function settingsHandlers({ control, buildInfo, log }: ServiceParts): Handlers {
  const apply = async (call: string, change: RuleChange, context: CallContext): Promise<Answer> => {
    const expectedRevision = readExpectedRevision(context.headers);
    const overrideFollower = readOverrideFollower(context.headers);
    context.throwIfCancelled();
    const { peer: author } = context;
    const revision = await control.change(change, expectedRevision, { overrideFollower, author });
    log.info({ call, peer: author, revision, ...sizeOf(change) }, 'rules changed');
    return { parts: [{}], headers: revisionHeaders(revision) };
  };
  return {
    ListProxyRules: (_request: EmptyRequest, { addressFormat }) => {
      checkRestored(control);
      const { revision, ruleSet } = control.rules();
      return { parts: fromRuleSet(ruleSet, addressFormat), headers: revisionHeaders(revision) };
    },
    ReplaceProxyRules: async (request: Unchecked<RuleSetMessage>, context) =>
      apply('ReplaceProxyRules', await toReplacement(request), context),
    UpdateProxyRules: async (request: Unchecked<RuleSetMessage>, context) =>
      apply('UpdateProxyRules', await toUpdate(request), context),
    DeleteProxyRules: (request: ExportersRequest, context) =>
      apply('DeleteProxyRules', toDeletion(request), context),
    ...metricsHandlers({ control }),
    GetBuildInfo: (_request: EmptyRequest) => ({ parts: [fromBuildInfo(buildInfo)] }),
    GetSystemStatus: (_request: EmptyRequest) => ({ parts: [fromSystemStatus(control.status())] }),
    Drain: ({ cancel = false }: DrainRequest, { peer }) => {
      control.setDraining(!cancel);
      log.info({ call: 'Drain', peer }, cancel ? 'draining cancelled' : 'draining');
      return { parts: [{}] };
    },
  };
}

/** The handlers of collector.proto.Metrics. */
export function metricsHandlers({ control }: Pick<ServiceParts, 'control'>): Handlers {
  return {
    GetProxyStats: async (request: ExportersRequest, { addressFormat }) => {
      checkRestored(control);
      const statistics = await control.statistics(toExporters(request));
      return { parts: fromStatistics(statistics, addressFormat) };
    },
  };
}

/** Spec A10: an answer without the saved rules would be taken for all there are. */
function checkRestored(control: Control): void {
  const reason = control.restoring();
  if (reason !== undefined) throw new FloxyError('NOT_READY', reason);
}

/** What the log says of a change besides who made it. */
function sizeOf(change: RuleChange): Readonly<Record<string, number>> {
  if (change.kind === 'replace') {
    const { rules, defaultOutputs } = change.ruleSet;
    return { rules: rules.length, defaultOutputs: defaultOutputs.length };
  }
  const { deleted, upserts, defaultOutputs } = change;
  return {
    ...(upserts.length > 0 && { rules: upserts.length }),
    ...(deleted.length > 0 && { deleted: deleted.length }),
    ...(defaultOutputs && { defaultOutputs: defaultOutputs.length }),
  };
}
