import type { JsonValue, Message } from '@bufbuild/protobuf';
import { toJson } from '@bufbuild/protobuf';
import type { Command } from 'commander';
import { messageOf } from '../base/errors.ts';
import type { RuleSet } from '../model/rules.ts';
import { EXPECTED_REVISION_HEADER, REVISION_HEADER } from '../protocol/headers.ts';
import { canonicaliseRuleSet } from '../rules/canonicalise.ts';
import type { Unchecked } from '../rules/endpoint-message.ts';
import type { RuleSetMessage } from '../rules/message.ts';
import { parseTarget, readAccess, readPeerAccess, type Target } from './access-options.ts';
import { type ApiAccess, callApi } from './api-client.ts';
import { CliError, EXIT, type ExitCode } from './exit.ts';
import {
  addOverrideFollowerOption,
  addRevisionOption,
  type FormatOptions,
  requestHeaders,
} from './format-options.ts';
import { findMethod, makeMessage } from './messages.ts';
import { compareRuleSets, type RulesDifference } from './rules-difference.ts';
import type { Terminal } from './terminal.ts';

const SETTINGS = 'collector.proto.Settings';

interface PullOptions extends Pick<FormatOptions, 'revision' | 'overrideFollower'> {
  readonly from: Target;
  readonly allowEmpty?: boolean;
}

/** The rules of a node. */
interface ListedRules {
  readonly message: Message;
  readonly ruleSet: RuleSet;
  readonly revision: string | undefined;
}

/** Adds `floxy rules pull`. */
export function addPullCommand(rules: Command, terminal: Terminal): void {
  const pull = rules
    .command('pull')
    .description(
      'replace all rules and default outputs here by those of another node, and print what changed',
    )
    .requiredOption('--from <host:port>', 'the API of the other node', parseTarget)
    .option('--allow-empty', 'delete everything when the other node has no rules');
  addOverrideFollowerOption(addRevisionOption(pull)).action(
    async (options: PullOptions, command: Command) => {
      const access = readAccess(command, terminal.env);
      const peer = readPeerAccess(access, options.from, terminal.env);
      const [here, there] = await Promise.all([listRules(access), listRules(peer)]);
      const { rules: some, defaultOutputs } = there.ruleSet;
      if (!options.allowEmpty && some.length + defaultOutputs.length === 0) {
        throw new CliError(
          EXIT.usage,
          `${peer.target} has neither rules nor default outputs: pass --allow-empty to delete all`,
        );
      }
      const difference = compareRuleSets(here.ruleSet, there.ruleSet);
      const revision =
        difference.lines.length === 0 ? here.revision : await replace(access, here, there, options);
      await terminal.print(printDifference(difference));
      if (options.revision) terminal.printError(`revision: ${revision ?? 'unknown'}\n`);
    },
  );
}

/** Adds `floxy rules diff`. @param finish takes the exit status: failed when there is a difference */
export function addDiffCommand(
  rules: Command,
  terminal: Terminal,
  finish: (exitCode: ExitCode) => void,
): void {
  rules
    .command('diff')
    .description(
      'print what `rules pull` from another node would change; exit with 0 when it is nothing, with 1 when it is something, with 2 or 3 when it cannot be told',
    )
    .requiredOption('--with <host:port>', 'the API of the other node', parseTarget)
    .action(async (options: { readonly with: Target }, command: Command) => {
      const access = readAccess(command, terminal.env);
      const peer = readPeerAccess(access, options.with, terminal.env);
      const [here, there] = await Promise.all([listRules(access), listRules(peer)]).catch(
        (error: unknown) => {
          throw isRefusal(error) ? new CliError(EXIT.unreachable, error.message) : error;
        },
      );
      const difference = compareRuleSets(here.ruleSet, there.ruleSet);
      await terminal.print(printDifference(difference));
      finish(difference.lines.length === 0 ? EXIT.ok : EXIT.failed);
    });
}

/** Its exit status would say that there is a difference. */
function isRefusal(error: unknown): error is CliError {
  return error instanceof CliError && error.exitCode === EXIT.failed;
}

/** @throws CliError that names the node */
async function listRules(access: ApiAccess): Promise<ListedRules> {
  const method = findMethod('floxy', SETTINGS, 'ListProxyRules');
  try {
    const answer = await callApi(access, method, makeMessage(method.input, {}));
    const json: JsonValue = toJson(method.output, answer.message);
    return {
      message: answer.message,
      // Its JSON form has the names and the nesting of the input.
      ruleSet: canonicaliseRuleSet(json as Unchecked<RuleSetMessage>),
      revision: answer.header(REVISION_HEADER),
    };
  } catch (error) {
    if (error instanceof CliError && error.exitCode !== EXIT.failed) throw error;
    const message = `the rules of ${access.target}: ${messageOf(error)}`;
    throw new CliError(EXIT.failed, message, { cause: error });
  }
}

/** Fails when somebody changed the rules here since they were compared. @returns the new revision */
async function replace(
  access: ApiAccess,
  here: ListedRules,
  there: ListedRules,
  options: PullOptions,
): Promise<string | undefined> {
  const method = findMethod('floxy', SETTINGS, 'ReplaceProxyRules');
  const headers = {
    ...requestHeaders(options),
    ...(here.revision !== undefined && { [EXPECTED_REVISION_HEADER]: here.revision }),
  };
  const answer = await callApi(access, method, there.message, headers);
  return answer.header(REVISION_HEADER);
}

function printDifference({ lines, added, removed, changed }: RulesDifference): string {
  if (lines.length === 0) return 'no difference\n';
  return `${lines.join('\n')}\n${added} added, ${removed} removed, ${changed} changed\n`;
}
