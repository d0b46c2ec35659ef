import path from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { readConfig, type SocketAddress } from '../config/config.ts';
import { formatSocketAddress, parseListenAddress } from '../config/socket-address.ts';
import { CliError, EXIT } from './exit.ts';
import type { Terminal } from './terminal.ts';

interface CollectOptions {
  readonly listen?: SocketAddress[];
  readonly format?: string;
}

/** Adds `floxy collect`. @param finish takes the exit status */
export function addCollectCommand(
  program: Command,
  terminal: Terminal,
  finish: (exitCode: number) => void,
): void {
  program
    .command('collect')
    .argument('[file]', 'a pipelines file (YAML): what becomes of the flows')
    .description(
      'receive NetFlow, IPFIX and sFlow, without the proxy; with no file, print flows as JSON',
    )
    .option(
      '--listen <address:port>',
      'where flow is received, such as :2055; several are allowed (default: those of the file, else :2055, :4739, :6343 and :9995)',
      addListener,
    )
    .option('--format <name>', 'without a file: the format that is printed (default: json)')
    .action(async (file: string | undefined, options: CollectOptions) => {
      finish(await run(file, options, terminal));
    });
}

async function run(
  file: string | undefined,
  { listen, format }: CollectOptions,
  terminal: Terminal,
): Promise<number> {
  if (file !== undefined && format !== undefined) {
    throw new CliError(EXIT.usage, '--format is for collecting without a file: it says the format');
  }
  const isQuick = file === undefined;
  // Without a file what is printed is what counts; threads are for proxies.
  const defaults = {
    COLLECTOR_FLOXY_THREAD_COUNT: '1',
    ...(isQuick && { COLLECTOR_LOG_LEVEL: 'warn' }),
  };
  const config = readConfig({ ...defaults, ...terminal.env });
  // Loaded late: other commands need neither the native addon nor decoders.
  const { collect, DEFAULT_LISTEN } = await import('../app/collect.ts');
  if (isQuick) {
    const addresses = (listen ?? DEFAULT_LISTEN).map(formatSocketAddress).join(', ');
    terminal.printError(`floxy: flows that come to ${addresses} are printed; Ctrl-C ends it\n`);
  }
  return collect(config, {
    file: isQuick ? undefined : path.resolve(file),
    document: isQuick ? quickDocument(format ?? 'json') : undefined,
    listen,
    endsWithOutput: isQuick,
  });
}

function quickDocument(format: string): string {
  const pipeline = { name: 'stdout', format, producer: { kind: 'stdout' } };
  return JSON.stringify({ pipelines: [pipeline] });
}

function addListener(text: string, before: SocketAddress[] = []): SocketAddress[] {
  const address = parseListenAddress(text);
  if (address === undefined) {
    throw new InvalidArgumentError('must be an address and a port, such as :2055 or [::]:4739.');
  }
  return [...before, address];
}
