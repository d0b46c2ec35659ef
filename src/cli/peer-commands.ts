import type { Message } from '@bufbuild/protobuf';
import type { Command } from 'commander';
import type { RuleSet } from '../model/rules.ts';
import type { ClientAnswer } from '../protocol/client.ts';
import { EXPECTED_REVISION_HEADER } from '../protocol/headers.ts';
import { parseTarget, readAccess, readPeerAccess, type Target } from './access-options.ts';
import { type ApiAccess, callApi } from './api-client.ts';
import { CliError, EXIT, type ExitCode } from './exit.ts';
import {
  addDryRunOption,
  addFormatOption,
  addMessageOption,
  addOverrideFollowerOption,
  addRevisionOption,
  type FormatOptions,
  requestHeaders,
} from './format-options.ts';
import { findMethod } from './messages.ts';
import { printRevision, tellAnswer } from './rules-change.ts';
import { compareRuleSets, printDifference } from './rules-difference.ts';
import { RulesInput } from './rules-input.ts';
import { type ListedRules, listRules, SETTINGS } from './rules-listing.ts';
import type { Terminal } from './terminal.ts';

interface PullOptions
  extends Pick<FormatOptions, 'revision' | 'overrideFollower' | 'dryRun' | 'message'> {
  readonly from: Target;
  readonly allowEmpty?: boolean;
}

/**
 * Adds `floxy rules pull` and `diff`.
 *
 * @param finish takes the exit status of diff: failed when there is a difference
 */
export function addPeerCommands(
  rules: Command,
  terminal: Terminal,
  finish: (exitCode: ExitCode) => void,
): void {
  addPullCommand(rules, terminal);
  addDiffCommand(rules, terminal, finish);
}

function addPullCommand(rules: Command, terminal: Terminal): void {
  const pull = rules
    .command('pull')
    .description(
      'replace all rules and default outputs here by those of another node, and print what changed',
    )
    .requiredOption('--from <host:port>', 'the API of the other node', parseTarget)
    .option('--allow-empty', 'delete everything when the other node has no rules');
  addOverrideFollowerOption(addRevisionOption(pull));
  addMessageOption(addDryRunOption(pull)).action(async (options: PullOptions, command: Command) => {
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
    if (options.dryRun || difference.entries.length === 0) {
      await terminal.print(printDifference(difference));
      if (options.revision) printRevision(terminal, here.revision);
      return;
    }
    const answer = await replace(access, here, there, options);
    await terminal.print(printDifference(difference));
    tellAnswer(terminal, answer, options);
  });
}

interface DiffOptions extends Pick<FormatOptions, 'format'> {
  readonly with?: Target;
}

function addDiffCommand(
  rules: Command,
  terminal: Terminal,
  finish: (exitCode: ExitCode) => void,
): void {
  const diff = rules
    .command('diff')
    .description(
      'print what `rules replace` by a file, or `rules pull` from another node, would change; exit with 0 when it is nothing, with 1 when it is something, with 2 or 3 when it cannot be told',
    )
    .argument('[file]', 'ProxyRules as protobuf text or JSON; - is standard input')
    .option('--with <host:port>', 'compare with the API of another node', parseTarget);
  addFormatOption(diff).action(
    async (file: string | undefined, options: DiffOptions, command: Command) => {
      if ((file === undefined) === (options.with === undefined)) {
        throw new CliError(EXIT.usage, 'rules diff: give a file, or --with another node');
      }
      const access = readAccess(command, terminal.env);
      const { ruleSet, placeOf } =
        file === undefined
          ? await ofPeer(readPeerAccess(access, options.with as Target, terminal.env))
          : await ofFile(terminal, file, options);
      const here = await listRules(access).catch(rethrowRefusal);
      const difference = compareRuleSets(here.ruleSet, ruleSet);
      await terminal.print(printDifference(difference, placeOf));
      finish(difference.entries.length === 0 ? EXIT.ok : EXIT.failed);
    },
  );
}

interface Compared {
  readonly ruleSet: RuleSet;
  readonly placeOf?: (path: string) => string | undefined;
}

async function ofPeer(peer: ApiAccess): Promise<Compared> {
  return await listRules(peer).catch(rethrowRefusal);
}

async function ofFile(
  terminal: Terminal,
  file: string,
  { format }: DiffOptions,
): Promise<Compared> {
  const { input: schema } = findMethod('floxy', SETTINGS, 'ReplaceProxyRules');
  const input = await RulesInput.read(terminal, file, schema, format);
  return { ruleSet: await input.rules(), placeOf: (path) => input.placeOf(path) };
}

function rethrowRefusal(error: unknown): never {
  throw isRefusal(error) ? new CliError(EXIT.unreachable, error.message) : error;
}

/** Its exit status would say that there is a difference. */
function isRefusal(error: unknown): error is CliError {
  return error instanceof CliError && error.exitCode === EXIT.failed;
}

/** Fails when somebody changed the rules here since they were compared. */
async function replace(
  access: ApiAccess,
  here: ListedRules,
  there: ListedRules,
  options: PullOptions,
): Promise<ClientAnswer<Message>> {
  const method = findMethod('floxy', SETTINGS, 'ReplaceProxyRules');
  const headers = {
    ...requestHeaders(options),
    ...(here.revision !== undefined && { [EXPECTED_REVISION_HEADER]: here.revision }),
  };
  return callApi(access, method, there.message, headers);
}
