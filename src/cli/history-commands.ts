/** `floxy rules history`, `show` and `rollback`: what the rules were, who changed them, and back. */
import { type JsonValue, type Message, toJson } from '@bufbuild/protobuf';
import { type Command, InvalidArgumentError } from 'commander';
import { EMPTY_RULE_SET, type RuleSet } from '../model/rules.ts';
import { EXPECTED_REVISION_HEADER, REVISION_HEADER } from '../protocol/headers.ts';
import type {
  ListRevisionsResponseMessage,
  RevisionMessage,
  RevisionPartMessage,
} from '../protocol/history-messages.ts';
import { canonicaliseRuleSet } from '../rules/canonicalise.ts';
import type { Unchecked } from '../rules/endpoint-message.ts';
import type { RuleSetMessage } from '../rules/message.ts';
import { readAccess } from './access-options.ts';
import { type ApiAccess, callApi, collectApi } from './api-client.ts';
import { type ExporterJson, parseExporter } from './endpoint-argument.ts';
import { type FormatOptions, requestHeaders } from './format-options.ts';
import { describeRevision, printRevisions } from './history-table.ts';
import { findMethod, makeMessage, printMessage } from './messages.ts';
import { addOutputOption, type OutputOptions } from './output.ts';
import { addChangeOptions, tellAnswer } from './rules-change.ts';
import { compareRuleSets, printDifference } from './rules-difference.ts';
import type { Terminal } from './terminal.ts';

const HISTORY = 'collector.proto.History';
const DEFAULT_SHOWN = 20;
const MAX_SHOWN = 100_000;
const PAGE = 1000;

interface HistoryOptions extends OutputOptions {
  readonly limit: number;
  readonly exporter?: ExporterJson;
}

interface ShowOptions extends OutputOptions<'text' | 'json'> {
  readonly diff?: boolean;
}

/** Adds the commands to `floxy rules`. */
export function addHistoryCommands(rules: Command, terminal: Terminal): void {
  addHistoryCommand(rules, terminal);
  addShowCommand(rules, terminal);
  addRollbackCommand(rules, terminal);
}

function addHistoryCommand(rules: Command, terminal: Terminal): void {
  const history = rules
    .command('history')
    .description('print who changed the rules, when, why and how much; the newest first')
    .option('--limit <number>', 'how many revisions at most', parseLimit, DEFAULT_SHOWN)
    .option(
      '--exporter <address>',
      'only revisions that changed its rule; without port: whatever its port',
      parseExporter,
    );
  addOutputOption(history, 'table').action(async (options: HistoryOptions, command: Command) => {
    const { output } = options;
    const method = findMethod('floxy', HISTORY, 'ListRevisions');
    const revisions = await listRevisions(readAccess(command, terminal.env), options);
    if (output === 'table') await terminal.print(printRevisions(revisions));
    else {
      const message = makeMessage(method.output, { revisions } as unknown as JsonValue);
      await terminal.print(printMessage(method.output, message, output));
    }
  });
}

/** Page by page: what looks for an exporter may find none on many of them. */
async function listRevisions(
  access: ApiAccess,
  { limit, exporter }: HistoryOptions,
): Promise<RevisionMessage[]> {
  const method = findMethod('floxy', HISTORY, 'ListRevisions');
  const revisions: RevisionMessage[] = [];
  let before: string | undefined;
  do {
    const request = {
      limit: Math.min(PAGE, limit - revisions.length),
      ...(before !== undefined && { before }),
      ...(exporter && { exporter }),
    };
    const { message } = await callApi(access, method, makeMessage(method.input, request));
    const page = toJson(method.output, message) as unknown as Partial<ListRevisionsResponseMessage>;
    revisions.push(...(page.revisions ?? []));
    before = page.nextBefore;
  } while (before !== undefined && revisions.length < limit);
  return revisions;
}

function addShowCommand(rules: Command, terminal: Terminal): void {
  const show = rules
    .command('show')
    .description('print the rules as of a revision, as `rules replace` takes them')
    .argument('<revision>', 'its number, as `rules history` prints it', parseRevision)
    .option('--diff', 'print what the revision changed instead');
  addOutputOption(show, 'text', ['text', 'json']).action(
    async (revision: string, { diff, output }: ShowOptions, command: Command) => {
      const access = readAccess(command, terminal.env);
      if (diff) {
        const { told, size, difference } = await getRevision(access, revision, 'Made');
        const order = size?.moved ? 'rules changed their places\n' : '';
        await terminal.print(describeRevision(told) + printDifference(difference) + order);
        return;
      }
      const { told, rules: then } = await getRevision(access, revision, undefined);
      const schema = findMethod('floxy', 'collector.proto.Settings', 'ListProxyRules').output;
      const printed = printMessage(
        schema,
        makeMessage(schema, then as unknown as JsonValue),
        output,
      );
      await terminal.print(output === 'text' ? describeRevision(told) + printed : printed);
    },
  );
}

function addRollbackCommand(rules: Command, terminal: Terminal): void {
  const rollback = rules
    .command('rollback')
    .description(
      'make the rules what they were at a revision, as a new revision; print what changes',
    )
    .argument('<revision>', 'its number, as `rules history` prints it', parseRevision);
  addChangeOptions(rollback).action(
    async (revision: string, options: FormatOptions, command: Command) => {
      const access = readAccess(command, terminal.env);
      const { told, current, size, difference } = await getRevision(access, revision, 'ToGoBack');
      await terminal.print(describeRevision(told) + printDifference(difference));
      if (size?.moved) await terminal.print('rules change their places\n');
      const method = findMethod('floxy', HISTORY, 'RollbackRules');
      const answer = await callApi(access, method, makeMessage(method.input, { revision }), {
        // What was printed is what is done, unless somebody else was faster.
        [EXPECTED_REVISION_HEADER]: current,
        ...requestHeaders(options),
      });
      const now = answer.header(REVISION_HEADER) ?? 'unknown';
      const outcome = options.dryRun
        ? `dry run, nothing was changed: revision ${now} stays`
        : now === current
          ? `the rules are those of revision ${revision} already: revision ${now} stays`
          : `the rules are those of revision ${revision} again, as revision ${now}`;
      await terminal.print(`${outcome}\n`);
      tellAnswer(terminal, answer, options);
    },
  );
}

interface FoundRevision {
  readonly told: RevisionMessage;
  readonly current: string;
  readonly size: RevisionPartMessage['size'];
  readonly difference: ReturnType<typeof compareRuleSets>;
  /** As JSON. */
  readonly rules: RuleSetMessage;
}

/** @param difference undefined: the rules are wanted */
async function getRevision(
  access: ApiAccess,
  revision: string,
  difference: 'Made' | 'ToGoBack' | undefined,
): Promise<FoundRevision> {
  const method = findMethod('floxy', HISTORY, 'GetRevision');
  const wish = difference === undefined ? { rules: true } : { difference };
  const request = makeMessage(method.input, { revision, ...wish });
  const messages = await collectApi(access, method, request);
  const parts = messages.map((message: Message) =>
    toJson(method.output, message),
  ) as unknown as readonly RevisionPartMessage[];
  const [first] = parts;
  return {
    told: first?.revision ?? { number: revision, restorable: false },
    current: first?.current ?? '0',
    size: first?.size,
    difference: compareRuleSets(sideOf(parts, 'before'), sideOf(parts, 'after')),
    rules: {
      rules: parts.flatMap(({ rules }) => rules?.rules ?? []),
      defaultOutputs: parts.flatMap(({ rules }) => rules?.defaultOutputs ?? []),
    },
  };
}

/** What is different, as it was or as it is. */
export function sideOf(
  parts: readonly Pick<RevisionPartMessage, 'difference'>[],
  side: 'before' | 'after',
): RuleSet {
  const differences = parts.flatMap(({ difference }) => difference ?? []);
  const message: Unchecked<RuleSetMessage> = {
    rules: differences.flatMap(({ rules = [] }) => rules.flatMap((rule) => rule[side] ?? [])),
    defaultOutputs: differences.flatMap(({ defaultOutputs }) => defaultOutputs?.[side] ?? []),
  };
  return differences.length === 0 ? EMPTY_RULE_SET : canonicaliseRuleSet(message);
}

function parseRevision(text: string): string {
  if (/^\d{1,15}$/.test(text)) return text;
  throw new InvalidArgumentError('Revisions are whole numbers: `floxy rules history` lists them.');
}

function parseLimit(text: string): number {
  const number = /^\d+$/.test(text) ? Number(text) : 0;
  if (number >= 1 && number <= MAX_SHOWN) return number;
  throw new InvalidArgumentError(`Give a number from 1 to ${MAX_SHOWN}.`);
}
