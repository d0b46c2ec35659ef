import type { OutgoingHttpHeaders } from 'node:http2';
import type { Logger } from 'pino';
import { reportChange, titleOf } from '../control/change-report.ts';
import type { ChangeResult, Control } from '../control/control.ts';
import { pipelineNames, type RuleChange } from '../model/rules.ts';
import {
  changeHeaders,
  readChangeMessage,
  readDryRun,
  readExpectedRevision,
  readOverrideFollower,
} from '../protocol/headers.ts';
import type { CallContext } from './call-context.ts';
import type { Answer } from './method.ts';

export interface ChangeParts {
  readonly control: Control;
  readonly log: Logger;
  /** Names of the pipelines that this node has. */
  readonly pipelines: () => ReadonlySet<string>;
}

/** A change that a call asks for. */
export interface AskedChange {
  /** The name of the call. */
  readonly call: string;
  readonly change: RuleChange;
  /** What the log says of it besides. */
  readonly details?: Readonly<Record<string, number>>;
}

/** An answer without a message of its own, and what it is about. */
export interface MadeChange extends Answer {
  readonly headers: OutgoingHttpHeaders;
  readonly result: ChangeResult;
}

/**
 * Makes a change of rules as the headers of the call want it, and tells it in the log (spec A43).
 *
 * @throws FloxyError
 */
export async function makeChange(
  { control, log, pipelines }: ChangeParts,
  { call, change, details = {} }: AskedChange,
  context: CallContext,
): Promise<MadeChange> {
  const expectedRevision = readExpectedRevision(context.headers);
  const isDryRun = readDryRun(context.headers);
  const message = readChangeMessage(context.headers);
  const overrideFollower = readOverrideFollower(context.headers);
  context.throwIfGone();
  const { who: author, from } = context.caller;
  const words = message === undefined ? {} : { message };
  const options = { overrideFollower, isDryRun, author, from, call, ...words };
  const result = await control.change(change, expectedRevision, options);
  const { revision, difference } = result;
  const warnings = findMissingPipelines(change, pipelines());
  const report = reportChange(result, isDryRun ? undefined : countRules(control, revision));
  const record = { call, ...details, who: author, from, revision, ...report, ...words };
  if (isDryRun) log.debug(record, 'change of rules tried');
  else if (warnings.length === 0) log.info(record, titleOf(result));
  else log.warn({ ...record, warnings }, titleOf(result));
  const headers = changeHeaders({ revision, isDryRun, difference, warnings });
  return { parts: [{}], headers, result };
}

/** undefined when others have changed them since. */
function countRules(control: Control, revision: number): number | undefined {
  const now = control.rules();
  return now.revision === revision ? now.ruleSet.rules.length : undefined;
}

/** They may come later (spec R17): that is worth a word, not a refusal. */
function findMissingPipelines(change: RuleChange, present: ReadonlySet<string>): string[] {
  const given =
    change.kind === 'replace'
      ? change.ruleSet
      : { rules: change.upserts, defaultOutputs: change.defaultOutputs ?? [] };
  const missing = [...pipelineNames(given)].filter((name) => !present.has(name));
  return missing.map(
    (name) =>
      `this node has no pipeline ${name}: what rules send to it is decoded by nobody until there is one`,
  );
}
