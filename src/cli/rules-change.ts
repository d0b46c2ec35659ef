/** Calls that change rules, as all commands make them. */
import type { DescMethod, Message } from '@bufbuild/protobuf';
import type { Command } from 'commander';
import { withoutControls } from '../base/text.ts';
import type { Exporter, RuleSet } from '../model/rules.ts';
import type { ClientAnswer } from '../protocol/client.ts';
import {
  EXPECTED_REVISION_HEADER,
  REVISION_HEADER,
  readWarnings,
  WARNINGS_HEADER,
} from '../protocol/headers.ts';
import { type ApiAccess, callApi } from './api-client.ts';
import { CliError, EXIT } from './exit.ts';
import {
  addDryRunOption,
  addExpectedRevisionOption,
  addMessageOption,
  addOverrideFollowerOption,
  addRevisionOption,
  type FormatOptions,
  requestHeaders,
} from './format-options.ts';
import { compareRuleSets, printDifference } from './rules-difference.ts';
import type { RulesInput } from './rules-input.ts';
import { knowsDryRuns, listRules, listRulesOf } from './rules-listing.ts';
import type { Terminal } from './terminal.ts';

/** A change that a command wants. */
export interface WantedChange {
  readonly method: DescMethod;
  readonly request: Message;
  /** Where the request comes from, when it is a file. */
  readonly input?: RulesInput | undefined;
  readonly options: FormatOptions;
  /** What it makes of the rules there are. */
  readonly plan: (present: RuleSet) => RuleSet | Promise<RuleSet>;
  /** Whose rules it touches, and nothing else; absent: all can be. */
  readonly touched?: readonly Exporter[] | undefined;
}

/** Options of all commands that change rules. */
export function addChangeOptions(command: Command): Command {
  addRevisionOption(addExpectedRevisionOption(command));
  addOverrideFollowerOption(command);
  return addMessageOption(addDryRunOption(command));
}

/**
 * Makes the change, or tries it and prints what it would do. Of a change it prints the revision, when asked for, and
 * what the service warns of, to standard error.
 *
 * @throws CliError; what the service finds wrong has its place in the file
 */
export async function changeRules(
  terminal: Terminal,
  access: ApiAccess,
  wanted: WantedChange,
): Promise<void> {
  if (wanted.options.dryRun) {
    await tryChange(terminal, access, wanted);
    return;
  }
  const answer = await call(access, wanted, {});
  tellAnswer(terminal, answer, wanted.options);
}

async function tryChange(
  terminal: Terminal,
  access: ApiAccess,
  wanted: WantedChange,
): Promise<void> {
  const { input, options, plan, touched } = wanted;
  if (!(await knowsDryRuns(access))) {
    throw new CliError(
      EXIT.failed,
      `the service at ${access.target} is older and knows no dry runs: it would make the change. \`floxy rules diff FILE\` compares without asking for one`,
    );
  }
  const present = await (touched ? listRulesOf(access, touched) : listRules(access));
  const expected =
    present.revision === undefined ? {} : { [EXPECTED_REVISION_HEADER]: present.revision };
  const answer = await call(access, wanted, options.expectedRevision === undefined ? expected : {});
  const difference = compareRuleSets(present.ruleSet, await plan(present.ruleSet));
  await terminal.print(printDifference(difference, (path) => input?.placeOf(path)));
  await terminal.print(
    `dry run, nothing was changed: revision ${present.revision ?? 'unknown'} stays\n`,
  );
  tellAnswer(terminal, answer, options);
}

async function call(
  access: ApiAccess,
  { method, request, input, options }: WantedChange,
  headers: Readonly<Record<string, string>>,
): Promise<ClientAnswer<Message>> {
  try {
    return await callApi(access, method, request, { ...requestHeaders(options), ...headers });
  } catch (error) {
    throw input === undefined ? error : input.explain(error);
  }
}

/** What of an answer is told to standard error. */
export function tellAnswer(
  terminal: Terminal,
  answer: ClientAnswer<Message>,
  { revision: wantsRevision }: Pick<FormatOptions, 'revision'>,
): void {
  for (const warning of readWarnings(answer.header(WARNINGS_HEADER))) {
    terminal.printError(`floxy: warning: ${withoutControls(warning)}\n`);
  }
  if (wantsRevision) printRevision(terminal, answer.header(REVISION_HEADER));
}

export function printRevision(terminal: Terminal, revision: string | undefined): void {
  terminal.printError(`revision: ${revision ?? 'unknown'}\n`);
}
