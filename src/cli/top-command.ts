/** `floxy top`: who sends and who gets most, again and again. */
import { type Message, toJson } from '@bufbuild/protobuf';
import { type Command, Option } from 'commander';
import { readAccess } from './access-options.ts';
import { type ApiAccess, streamApi } from './api-client.ts';
import { CliError, EXIT } from './exit.ts';
import {
  addFilterOptions,
  type FilterOptions,
  filterRequest,
  parseCount,
} from './filter-options.ts';
import { findMethod, makeMessage } from './messages.ts';
import { addOutputOption, type OutputOptions } from './output.ts';
import type { Screen, Terminal } from './terminal.ts';
import { TopDisplay } from './top-display.ts';
import { type TopView, topLines } from './top-screen.ts';
import { ORDERS, type OrderName, parseInterval } from './traffic-commands.ts';

interface TopOptions extends OutputOptions<'table' | 'json'>, FilterOptions {
  readonly sort: OrderName;
  readonly interval: number;
  readonly count?: number;
  readonly once?: boolean;
}

/** Rows of each kind where there is no terminal that says how many fit. */
const DEFAULT_ROWS = 10;

/** Adds `floxy top`. */
export function addTopCommand(program: Command, terminal: Terminal): void {
  const command = program
    .command('top')
    .description(
      'show what exporters send and collectors get a second; lines when not on a terminal',
    )
    .addOption(
      new Option('--sort <order>', 'what comes first')
        .choices(Object.keys(ORDERS))
        .default('packets'),
    )
    .option('--interval <seconds>', 'between two looks, 0.5 to 60', parseInterval, 2)
    .option('-n, --count <looks>', 'end after so many', parseCount)
    .option('--once', 'print one look and end: -n 1');
  addFilterOptions(command);
  addOutputOption(command, 'table', ['table', 'json']).action(
    async (options: TopOptions, self: Command) => {
      const { screen } = terminal;
      const access = readAccess(self, terminal.env);
      const interruption = new AbortController();
      const ignore = terminal.onInterrupt(() => interruption.abort());
      try {
        const isScreen = screen !== undefined && options.output === 'table' && !options.once;
        if (isScreen) await showScreen({ options, access, screen, terminal }, interruption);
        else await printLooks(options, access, terminal, interruption.signal);
      } finally {
        ignore();
      }
    },
  );
}

async function printLooks(
  options: TopOptions,
  access: ApiAccess,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<void> {
  const wish = { order: options.sort, limit: options.limit ?? DEFAULT_ROWS };
  for await (const view of looks(access, options, wish, signal)) {
    const state = { target: access.target, order: options.sort, now: new Date() };
    const isJson = options.output === 'json';
    await terminal.print(isJson ? `${JSON.stringify(view)}\n` : topLines(view, state));
  }
}

interface Shown {
  readonly options: TopOptions;
  readonly access: ApiAccess;
  readonly screen: Screen;
  readonly terminal: Terminal;
}

/** Until somebody ends it. A service that goes away is waited for: it may be restarted. */
async function showScreen(
  { options, access, screen, terminal }: Shown,
  interruption: AbortController,
): Promise<void> {
  const display = new TopDisplay({
    screen,
    target: access.target,
    order: options.sort,
    print: (text) => terminal.print(text),
    quit: () => interruption.abort(),
  });
  const { signal } = interruption;
  let left = options.count ?? Number.POSITIVE_INFINITY;
  await display.open();
  try {
    while (!signal.aborted && left > 0) {
      const until = AbortSignal.any([signal, display.wishChanged()]);
      left -= await showLooks({ options, access, screen, terminal }, display, left, until);
      // It has gone: what comes next is not asked for without a pause.
      if (left > 0) await display.pause(options.interval * 1000, until);
    }
  } finally {
    await display.close();
  }
}

/** Until that ends, or the service does. @returns how many were shown @throws CliError when it is refused */
async function showLooks(
  { options, access, screen }: Shown,
  display: TopDisplay,
  count: number,
  until: AbortSignal,
): Promise<number> {
  const wish = { order: display.order, limit: options.limit ?? screen.size().rows };
  let shown = 0;
  try {
    for await (const view of looks(access, { ...options, count }, wish, until)) {
      await display.show(view);
      shown++;
    }
  } catch (error) {
    if (!isAway(error)) throw error;
    await display.trouble(error.message);
  }
  return shown;
}

function isAway(error: unknown): error is CliError {
  if (!(error instanceof CliError)) return false;
  return error.exitCode === EXIT.unreachable || error.message.startsWith('UNAVAILABLE');
}

/** Looks as they come, each put together of its parts. @throws CliError */
async function* looks(
  access: ApiAccess,
  options: Omit<TopOptions, 'count'> & { readonly count?: number | undefined },
  { order, limit }: { readonly order: OrderName; readonly limit: number },
  signal: AbortSignal,
): AsyncGenerator<TopView> {
  const method = findMethod('floxy', 'collector.proto.View', 'WatchTraffic');
  const count = options.once ? 1 : options.count;
  const request = makeMessage(method.input, {
    ...filterRequest({ ...options, limit }),
    exporters: true,
    collectors: true,
    choice: 'Sending',
    order: ORDERS[order],
    intervalSeconds: options.interval,
    ...(count !== undefined && Number.isFinite(count) && { count }),
  });
  let view: TopView = {};
  for await (const message of streamApi(access, method, request, signal)) {
    const part = toJson(method.output, message as Message) as TopView;
    view = {
      ...part,
      exporters: [...(view.exporters ?? []), ...(part.exporters ?? [])],
      collectors: [...(view.collectors ?? []), ...(part.collectors ?? [])],
    };
    if (!part.last) continue;
    const { last: _, ...look } = view;
    yield look;
    view = {};
  }
}
