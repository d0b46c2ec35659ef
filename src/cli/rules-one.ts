/** `floxy rules get` and `floxy rules set`: the rules of some exporters, by arguments. */
import { type Command, InvalidArgumentError } from 'commander';
import { type Exporter, exporterKey, type Output, type RuleSet } from '../model/rules.ts';
import { canonicaliseExporters, canonicaliseRuleSet } from '../rules/canonicalise.ts';
import { mergeChange } from '../rules/merge.ts';
import { ruleMessage } from '../rules/message.ts';
import { type OutputMessage, outputMessage } from '../rules/output-message.ts';
import { readAccess } from './access-options.ts';
import {
  collectExporter,
  type EndpointJson,
  type ExporterJson,
  parseEndpointJson,
  parseExporter,
} from './endpoint-argument.ts';
import { CliError, EXIT } from './exit.ts';
import { addFormatOption, type FormatOptions } from './format-options.ts';
import { findMethod, makeMessage, printMessage } from './messages.ts';
import { addChangeOptions, changeRules } from './rules-change.ts';
import { listRulesOf, SETTINGS } from './rules-listing.ts';
import type { Terminal } from './terminal.ts';

const EXAMPLES =
  'such as 192.0.2.1, 192.0.2.1:1000, [2001:db8::1]:1000, 10.20.0.0/16, 192.0.2.1@9995';

/** In the place of an exporter. */
const DEFAULT = 'default';

const SET_HELP = `
Each OUTPUT gets a copy of every packet:
  198.51.100.1:9995                         one collector
  198.51.100.1:9995,198.51.100.2:9995       collectors that take turns
  198.51.100.1:9995=3,198.51.100.2:9995     … of which the first gets three times as many
  pipeline:NAME                             a pipeline of the node`;

/** Adds `floxy rules get` and `set`. */
export function addOneRuleCommands(rules: Command, terminal: Terminal): void {
  addGetCommand(rules, terminal);
  addSetCommand(rules, terminal);
}

function addGetCommand(rules: Command, terminal: Terminal): void {
  const get = rules
    .command('get')
    .description('print the rules of the given exporters, each named exactly as in its rule')
    .argument('<exporter...>', EXAMPLES, collectExporter);
  addFormatOption(get).action(
    async (
      asked: readonly ExporterJson[],
      { format = 'text' }: FormatOptions,
      command: Command,
    ) => {
      const exporters = canonicaliseExporters(asked, 'exporters');
      const { ruleSet } = await listRulesOf(readAccess(command, terminal.env), exporters);
      const byExporter = new Map(ruleSet.rules.map((rule) => [exporterKey(rule.exporter), rule]));
      const found = exporters.map((exporter) => {
        const rule = byExporter.get(exporterKey(exporter));
        if (rule === undefined) throw noRule(exporter, ruleSet);
        return ruleMessage(rule, 'text');
      });
      const { output } = findMethod('floxy', SETTINGS, 'ListProxyRules');
      const message = makeMessage(output, toJson({ rules: found }));
      await terminal.print(printMessage(output, message, format));
    },
  );
}

interface SetOptions extends FormatOptions {
  readonly drop?: boolean;
}

function addSetCommand(rules: Command, terminal: Terminal): void {
  const set = rules
    .command('set')
    .description('give an exporter a rule with these outputs, in the place of the one it has')
    .argument('<exporter>', `${EXAMPLES}; ${DEFAULT}: what no rule matches`)
    .argument('[output...]', 'where its packets go, see below', collectOutput)
    .option('--drop', 'no outputs: its packets are counted and dropped')
    .addHelpText('after', SET_HELP);
  addChangeOptions(set).action(
    async (
      exporter: string,
      outputs: readonly OutputMessage[] | undefined,
      options: SetOptions,
      command: Command,
    ) => {
      const given = outputs ?? [];
      if (given.length > 0 === (options.drop ?? false)) {
        throw new CliError(EXIT.usage, 'rules set: give outputs, or --drop');
      }
      if (exporter === DEFAULT && given.length === 0) {
        const message = 'rules set: default outputs are taken away with `rules edit`, not here';
        throw new CliError(EXIT.usage, message);
      }
      const change = canonicaliseRuleSet(
        exporter === DEFAULT
          ? { defaultOutputs: given }
          : { rules: [{ exporter: parseExporter(exporter), outputs: given }] },
      );
      const method = findMethod('floxy', SETTINGS, 'UpdateProxyRules');
      const request = makeMessage(method.input, messageOf(change));
      const plan = (present: RuleSet) => updated(present, change);
      const access = readAccess(command, terminal.env);
      const touched = exporter === DEFAULT ? undefined : change.rules.map((rule) => rule.exporter);
      await changeRules(terminal, access, { method, request, options, plan, touched });
    },
  );
}

/** What UpdateProxyRules makes of rules (spec A3). */
export function updated(present: RuleSet, { rules, defaultOutputs }: RuleSet): RuleSet {
  const edit = { kind: 'edit', deleted: [], upserts: rules } as const;
  return mergeChange(present, defaultOutputs.length > 0 ? { ...edit, defaultOutputs } : edit);
}

/** One OUTPUT argument, added to those before it. @throws InvalidArgumentError (of commander) */
function collectOutput(
  text: string,
  previous: readonly OutputMessage[] | undefined,
): readonly OutputMessage[] {
  return [...(previous ?? []), parseOutput(text)];
}

function parseOutput(text: string): OutputMessage {
  const [, pipeline] = /^pipeline:(.*)$/.exec(text) ?? [];
  if (pipeline !== undefined) return { pipeline };
  const collectors = text.split(',').map((part) => {
    const [, address = part, weight] = /^(.*)=(\d+)$/.exec(part) ?? [];
    const endpoint = parseCollector(address);
    return weight === undefined ? { endpoint } : { endpoint, weight: Number(weight) };
  });
  return { collectors };
}

function parseCollector(text: string): EndpointJson {
  const endpoint = parseEndpointJson(text);
  if (endpoint !== undefined) return endpoint;
  throw new InvalidArgumentError(
    `${JSON.stringify(text)} is no collector: 198.51.100.1:9995, [2001:db8::1]:9995, with =3 a weight; or pipeline:NAME.`,
  );
}

/** The JSON form. */
function messageOf({ rules, defaultOutputs }: RuleSet) {
  return toJson({
    rules: rules.map((rule) => ruleMessage(rule, 'text')),
    defaultOutputs: defaultOutputs.map((output: Output) => outputMessage(output, 'text')),
  });
}

function toJson(message: object) {
  return JSON.parse(JSON.stringify(message));
}

/** Says also what there is at its address. */
function noRule(exporter: Exporter, { rules }: RuleSet): CliError {
  const { host } = exporter.endpoint;
  const near = rules
    .filter((rule) => rule.exporter.endpoint.host === host)
    .map((rule) => exporterKey(rule.exporter));
  const hint = near.length === 0 ? '' : `; there is one for ${near.slice(0, 5).join(', ')}`;
  return new CliError(EXIT.failed, `no rule for exporter ${exporterKey(exporter)}${hint}`);
}
