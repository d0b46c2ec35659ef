/** `floxy exporters` and `floxy collectors`: who sends, and what becomes of the copies. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { TrafficViewMessage } from '../protocol/view-messages.ts';
import { readAccess } from './access-options.ts';
import { streamBytes } from './api-client.ts';
import { parseCount } from './filter-options.ts';
import { jsonPrinter, type ListPrinter, tablePrinter, textPrinter } from './list-printer.ts';
import { findMethod, makeMessage } from './messages.ts';
import { addOutputOption, type OutputOptions } from './output.ts';
import type { Shown } from './shown.ts';
import type { Terminal } from './terminal.ts';
import { COLLECTOR_COLUMNS, collectorRow, EXPORTER_COLUMNS, exporterRow } from './traffic-rows.ts';
import { WirePrinter } from './wire.ts';

type View = Shown<TrafficViewMessage>;

/** By what is sorted, as people write it. */
export const ORDERS = {
  packets: 'Packets',
  bytes: 'Bytes',
  lost: 'Lost',
  'last-seen': 'LastSeen',
  address: 'Address',
} as const;

export type OrderName = keyof typeof ORDERS;

interface TrafficOptions extends OutputOptions {
  readonly sort: OrderName;
  readonly limit?: number;
  readonly interval: number;
}

interface ExporterOptions extends TrafficOptions {
  readonly unknown?: boolean;
  readonly silent?: boolean;
  readonly silentAfter: number;
}

/** Adds `floxy exporters` and `floxy collectors`. */
export function addTrafficCommands(program: Command, terminal: Terminal): void {
  const exporters = program
    .command('exporters')
    .description('print who sends, by which rule, and which rules get nothing')
    .argument('[address...]', 'only these: addresses, addresses and ports, or prefixes')
    .option('--unknown', 'only those that no rule matches')
    .option('--silent', 'only rules of which nothing has come lately')
    .option('--silent-after <seconds>', 'how long "lately" is', parseSeconds, 300);
  addTrafficOptions(exporters).action(
    (addresses: readonly string[], options: ExporterOptions, command: Command) => {
      const { unknown, silent, silentAfter } = options;
      const choice = unknown ? 'Unknown' : silent ? 'Silent' : 'All';
      const wanted = { exporters: true, choice, silentSeconds: silentAfter };
      const request = { ...wanted, filter: { exporters: [...addresses] } };
      return printTraffic({ request, options, table: exporterTable }, command, terminal);
    },
  );
  const collectors = program
    .command('collectors')
    .description(
      'print what each collector gets, what could not be sent to it, and whether it answers',
    )
    .argument('[address...]', 'only these: addresses, addresses and ports, or prefixes');
  addTrafficOptions(collectors).action(
    (addresses: readonly string[], options: TrafficOptions, command: Command) => {
      const request = { collectors: true, filter: { collectors: [...addresses] } };
      return printTraffic({ request, options, table: collectorTable }, command, terminal);
    },
  );
}

function addTrafficOptions(command: Command): Command {
  command
    .addOption(
      new Option('--sort <order>', 'what comes first')
        .choices(Object.keys(ORDERS))
        .default('packets'),
    )
    .option('--limit <number>', 'print so many at most', parseCount)
    .option('--interval <seconds>', 'measure rates for so long, 0.5 to 60', parseInterval, 1);
  return addOutputOption(command, 'table');
}

interface Printed {
  readonly request: object;
  readonly options: TrafficOptions;
  readonly table: (wire: WirePrinter) => ListPrinter;
}

async function printTraffic(
  { request, options, table }: Printed,
  command: Command,
  terminal: Terminal,
): Promise<void> {
  const { sort, limit, interval, output } = options;
  const method = findMethod('floxy', 'collector.proto.View', 'WatchTraffic');
  const message = makeMessage(method.input, {
    ...request,
    order: ORDERS[sort],
    ...(limit !== undefined && { limit }),
    intervalSeconds: interval,
    count: 1,
  });
  const wire = new WirePrinter(method.output, ['last']);
  const printer =
    output === 'json' ? jsonPrinter(wire) : output === 'text' ? textPrinter(wire) : table(wire);
  const access = readAccess(command, terminal.env);
  for await (const bytes of streamBytes(access, method, message)) {
    await terminal.print(printer.part(bytes));
  }
  await terminal.print(printer.end());
}

function exporterTable(wire: WirePrinter): ListPrinter {
  const now = new Date();
  let last: View = {};
  const table = tablePrinter<View>(wire, EXPORTER_COLUMNS, (view) => {
    last = { ...last, ...view };
    return (view.exporters ?? []).map((exporter) => exporterRow(exporter, now));
  });
  const note = () => {
    const forgotten = Number(last.forgotten ?? 0);
    if (forgotten === 0) return '';
    return `\nthere are more than are known: ${forgotten.toLocaleString('en')} had to make room for others\n`;
  };
  return { part: table.part, end: () => table.end() + note() };
}

function collectorTable(wire: WirePrinter): ListPrinter {
  const now = new Date();
  let forgotten = 0;
  const table = tablePrinter<View>(wire, COLLECTOR_COLUMNS, (view) => {
    forgotten = Number(view.forgottenCopies ?? forgotten);
    return (view.collectors ?? []).map((collector) => collectorRow(collector, now));
  });
  const note = () => {
    if (forgotten === 0) return '';
    return `\nlost copies whose collectors and errors had to make room for others: ${forgotten.toLocaleString('en')}\n`;
  };
  return { part: table.part, end: () => table.end() + note() };
}

/** @throws InvalidArgumentError (of commander) */
export function parseInterval(text: string): number {
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (seconds >= 0.5 && seconds <= 60) return seconds;
  throw new InvalidArgumentError('Give seconds, 0.5 to 60.');
}

function parseSeconds(text: string): number {
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (seconds > 0) return seconds;
  throw new InvalidArgumentError('Give seconds, above 0.');
}
