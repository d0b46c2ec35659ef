import { toJson } from '@bufbuild/protobuf';
import type { Command } from 'commander';
import type { RuleSet } from '../model/rules.ts';
import type { ExportersRequest } from '../protocol/messages.ts';
import { canonicaliseExporters } from '../rules/canonicalise.ts';
import { mergeChange } from '../rules/merge.ts';
import { readAccess } from './access-options.ts';
import { collectExporter, type ExporterJson } from './endpoint-argument.ts';
import { CliError, EXIT } from './exit.ts';
import { addFormatOption, type FormatOptions } from './format-options.ts';
import { findMethod, makeMessage } from './messages.ts';
import { addChangeOptions, changeRules } from './rules-change.ts';
import { RulesInput, STANDARD_INPUT } from './rules-input.ts';
import { SETTINGS } from './rules-listing.ts';
import { updated } from './rules-one.ts';
import type { Terminal } from './terminal.ts';

interface ReplaceOptions extends FormatOptions {
  readonly allowEmpty?: boolean;
}

interface DeleteOptions extends FormatOptions {
  readonly file?: string;
}

/** Adds `floxy rules replace`, `update` and `delete`. */
export function addChangeCommands(rules: Command, terminal: Terminal): void {
  addReplaceCommand(rules, terminal);
  addUpdateCommand(rules, terminal);
  addDeleteCommand(rules, terminal);
}

function addReplaceCommand(rules: Command, terminal: Terminal): void {
  const replace = rules
    .command('replace')
    .description('replace all rules and default outputs by those of a file')
    .argument('[file]', 'ProxyRules as protobuf text or JSON; - is standard input', STANDARD_INPUT)
    .option('--allow-empty', 'delete everything when the file has neither rules nor outputs');
  addChangeOptions(addFormatOption(replace)).action(
    async (file: string, options: ReplaceOptions, command: Command) => {
      const method = findMethod('floxy', SETTINGS, 'ReplaceProxyRules');
      const input = await RulesInput.read(terminal, file, method.input, options.format);
      const { rules: some = [], defaultOutputs = [] } = input.document.message;
      if (!options.allowEmpty && [some, defaultOutputs].flat().length === 0) {
        throw new CliError(
          EXIT.usage,
          `${input.name} has neither rules nor default outputs: pass --allow-empty to delete all`,
        );
      }
      const request = input.toMessage(method.input);
      const plan = () => input.rules();
      const access = readAccess(command, terminal.env);
      await changeRules(terminal, access, { method, request, input, options, plan });
    },
  );
}

function addUpdateCommand(rules: Command, terminal: Terminal): void {
  const update = rules
    .command('update')
    .description('add rules, or replace the outputs of those that exist')
    .argument('[file]', 'ProxyRules as protobuf text or JSON; - is standard input', STANDARD_INPUT);
  addChangeOptions(addFormatOption(update)).action(
    async (file: string, options: FormatOptions, command: Command) => {
      const method = findMethod('floxy', SETTINGS, 'UpdateProxyRules');
      const input = await RulesInput.read(terminal, file, method.input, options.format);
      const request = input.toMessage(method.input);
      const plan = async (present: RuleSet) => updated(present, await input.rules());
      const access = readAccess(command, terminal.env);
      await changeRules(terminal, access, { method, request, input, options, plan });
    },
  );
}

function addDeleteCommand(rules: Command, terminal: Terminal): void {
  const remove = rules
    .command('delete')
    .description('delete the rules of the given exporters, each named exactly as in its rule')
    .argument(
      '[exporter...]',
      'such as 192.0.2.1, 192.0.2.1:1000, [2001:db8::1]:1000, 10.20.0.0/16, 192.0.2.1@9995',
      collectExporter,
    )
    .option('--file <file>', 'read a DeleteProxyRulesRequest instead; - is standard input');
  addChangeOptions(addFormatOption(remove)).action(
    async (exporters: readonly ExporterJson[], options: DeleteOptions, command: Command) => {
      const { file, format } = options;
      if (exporters.length > 0 === (file !== undefined)) {
        throw new CliError(EXIT.usage, 'rules delete: give exporters, or --file');
      }
      const method = findMethod('floxy', SETTINGS, 'DeleteProxyRules');
      const input =
        file === undefined
          ? undefined
          : await RulesInput.read(terminal, file, method.input, format);
      const request =
        input?.toMessage(method.input) ?? makeMessage(method.input, { exporters: [...exporters] });
      const { exporters: asked } = toJson(method.input, request) as ExportersRequest;
      const deleted = () => canonicaliseExporters(asked ?? [], 'exporters');
      const plan = (present: RuleSet) =>
        mergeChange(present, { kind: 'edit', deleted: deleted(), upserts: [] });
      // What is wrong with a file is told with its place.
      const touched = input === undefined ? deleted() : undefined;
      const access = readAccess(command, terminal.env);
      await changeRules(terminal, access, { method, request, input, options, plan, touched });
    },
  );
}
