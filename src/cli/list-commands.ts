/** `floxy rules list` and `floxy stats`: lists that can be long. */
import type { DescMethod } from '@bufbuild/protobuf';
import type { Command } from 'commander';
import { readAccess } from './access-options.ts';
import { callApi, streamBytes } from './api-client.ts';
import { collectExporter, type ExporterJson, withBracketHint } from './endpoint-argument.ts';
import { CliError, EXIT } from './exit.ts';
import {
  addFilterOptions,
  addPipelineFilter,
  type FilterOptions,
  filterRequest,
} from './filter-options.ts';
import {
  addAddressFormatOption,
  addRevisionOption,
  type FormatOptions,
  requestHeaders,
} from './format-options.ts';
import { jsonPrinter, type ListPrinter, tablePrinter, textPrinter } from './list-printer.ts';
import { RULE_COLUMNS, ruleRows, STATS_COLUMNS, statsRows } from './list-rows.ts';
import { encodeMessage, findMethod, makeMessage } from './messages.ts';
import { addFormatAlias, addOutputOption, type OutputOptions } from './output.ts';
import type { Terminal } from './terminal.ts';
import { WirePrinter } from './wire.ts';

const VIEW = 'collector.proto.View';

type ListOptions = FilterOptions &
  OutputOptions &
  Pick<FormatOptions, 'addressFormat' | 'revision'>;

/** Adds `floxy rules list`. */
export function addListCommand(rules: Command, terminal: Terminal): void {
  const list = rules
    .command('list')
    .description('print rules and default outputs, as they can be given to replace and update');
  addFormatAlias(addOutputOption(list, 'text'));
  addPipelineFilter(addFilterOptions(list));
  addAddressFormatOption(list);
  addRevisionOption(list).action((options: ListOptions, command: Command) =>
    printRules(options, command, terminal),
  );
}

async function printRules(options: ListOptions, command: Command, terminal: Terminal) {
  const method = findMethod('floxy', VIEW, 'ListRules');
  const wire = new WirePrinter(method.output, ['revision']);
  const revisions = new WirePrinter(method.output);
  const printer = printerOf(options, wire, () => tablePrinter(wire, RULE_COLUMNS, ruleRows));
  let isFirst = true;
  for await (const bytes of stream(method, options, command, terminal)) {
    if (isFirst) {
      const { revision } = revisions.json(bytes);
      if (options.revision) terminal.printError(`revision: ${revision ?? 'unknown'}\n`);
      if (options.output === 'text' && revision !== undefined) {
        await terminal.print(`# revision: ${revision}\n`);
      }
    }
    isFirst = false;
    await terminal.print(printer.part(bytes));
  }
  await terminal.print(printer.end());
}

/** Adds `floxy stats`. */
export function addStatsCommand(program: Command, terminal: Terminal): void {
  const stats = program
    .command('stats')
    .description('print the statistics of all rules, or of the rules of the given exporters')
    .argument(
      '[exporter...]',
      'named exactly as in its rule: 192.0.2.1, 192.0.2.1:1000, [2001:db8::1]:1000, 10.20.0.0/16, 192.0.2.1@9995',
      collectExporter,
    );
  addFormatAlias(addOutputOption(stats, 'text'));
  addPipelineFilter(addFilterOptions(stats));
  addAddressFormatOption(stats).action(
    (exporters: readonly ExporterJson[], options: ListOptions, command: Command) =>
      printStats(exporters, options, command, terminal),
  );
}

async function printStats(
  exporters: readonly ExporterJson[],
  options: ListOptions,
  command: Command,
  terminal: Terminal,
): Promise<void> {
  const method = findMethod('floxy', VIEW, 'ListStats');
  const wire = new WirePrinter(method.output);
  const printer = printerOf(options, wire, () => tablePrinter(wire, STATS_COLUMNS, statsRows));
  if (exporters.length > 0) {
    const bytes = await statsOf(exporters, options, command, terminal);
    await terminal.print(printer.part(bytes));
    await terminal.print(printer.end());
    return;
  }
  for await (const bytes of stream(method, options, command, terminal)) {
    await terminal.print(printer.part(bytes));
  }
  await terminal.print(printer.end());
}

/** Spec A5: an exporter without a rule fails the call. The answer has the fields of a part of the long list. */
async function statsOf(
  exporters: readonly ExporterJson[],
  options: ListOptions,
  command: Command,
  terminal: Terminal,
): Promise<Uint8Array> {
  const { exporter, collector, pipeline, limit } = options;
  if ((exporter ?? collector ?? pipeline ?? limit) !== undefined) {
    throw new CliError(EXIT.usage, 'stats: give exporters, or options that choose some');
  }
  const method = findMethod('floxy', 'collector.proto.Metrics', 'GetProxyStats');
  const request = makeMessage(method.input, { exporters: [...exporters] });
  const access = readAccess(command, terminal.env);
  const { message } = await callApi(access, method, request, requestHeaders(options)).catch(
    (error: unknown) => {
      throw withBracketHint(error, exporters);
    },
  );
  return encodeMessage(method.output, message);
}

function stream(method: DescMethod, options: ListOptions, command: Command, terminal: Terminal) {
  const request = makeMessage(method.input, filterRequest(options));
  return streamBytes(readAccess(command, terminal.env), method, request, requestHeaders(options));
}

function printerOf(
  { output }: ListOptions,
  wire: WirePrinter,
  table: () => ListPrinter,
): ListPrinter {
  if (output === 'json') return jsonPrinter(wire);
  return output === 'text' ? textPrinter(wire) : table();
}
