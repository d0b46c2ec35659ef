import type { Message } from '@bufbuild/protobuf';
import { type Command, InvalidArgumentError } from 'commander';
import { withoutControls } from '../base/text.ts';
import { readAccess } from './access-options.ts';
import { streamApi } from './api-client.ts';
import { parseCount } from './filter-options.ts';
import { FLOW_HEAD, type FlowRecord, flowLine, PROTOCOL_NUMBERS } from './flow-line.ts';
import { findMethod, makeMessage } from './messages.ts';
import { addOutputOption, type OutputOptions } from './output.ts';
import type { Terminal } from './terminal.ts';

interface FlowsOptions extends OutputOptions<'table' | 'json'> {
  readonly pipeline?: string[];
  readonly exporter?: string[];
  readonly address?: string[];
  readonly port?: number[];
  readonly protocol?: number[];
  readonly rate?: number;
  readonly count?: number;
}

/** What TailFlows answers: TailedFlows in proto/flows.proto. */
interface TailedFlows {
  readonly records: readonly string[];
  readonly skipped: bigint;
}

/** Adds `floxy flows`. */
export function addFlowsCommand(program: Command, terminal: Terminal): void {
  const command = program
    .command('flows')
    .description(
      'print flows as pipelines decode them, until Ctrl-C; for looking, not for collecting',
    )
    .option('--pipeline <name...>', 'only of these pipelines')
    .option('--exporter <address...>', 'only of these exporters: addresses or prefixes')
    .option('--address <address...>', 'only from or to these addresses or prefixes')
    .option('--port <port...>', 'only from or to these ports', collectNumber)
    .option(
      '--protocol <protocol...>',
      'only of these IP protocols: tcp, udp, icmp, …, or numbers',
      collectProtocol,
    )
    .option('--rate <records>', 'at most so many a second and worker (default: 100)', parseCount)
    .option('-n, --count <records>', 'end after so many', parseCount);
  addOutputOption(command, 'table', ['table', 'json']).action(
    (options: FlowsOptions, self: Command) => printFlows(options, self, terminal),
  );
}

async function printFlows(options: FlowsOptions, command: Command, terminal: Terminal) {
  const method = findMethod('floxy', 'collector.proto.Metrics', 'TailFlows');
  const { pipeline, exporter, address, port, protocol, rate } = options;
  const request = makeMessage(method.input, {
    filter: {
      pipelines: pipeline ?? [],
      exporters: exporter ?? [],
      addresses: address ?? [],
      ports: port ?? [],
      protocols: protocol ?? [],
    },
    ...(rate !== undefined && { recordsPerSecond: rate }),
  });
  const interruption = new AbortController();
  const ignore = terminal.onInterrupt(() => interruption.abort());
  let left = options.count ?? Number.POSITIVE_INFINITY;
  try {
    if (options.output === 'table') await terminal.print(FLOW_HEAD);
    const access = readAccess(command, terminal.env);
    for await (const message of streamApi(access, method, request, interruption.signal)) {
      const { records, skipped } = message as Message & TailedFlows;
      const shown = records.slice(0, left);
      await terminal.print(shown.map((record) => printed(record, options.output)).join(''));
      if (skipped > 0n) terminal.printError(`… ${skipped} more, not shown\n`);
      left -= shown.length;
      if (left <= 0) return;
    }
  } finally {
    ignore();
  }
}

function printed(record: string, output: FlowsOptions['output']): string {
  if (output === 'json') return `${withoutControls(record)}\n`;
  return flowLine(JSON.parse(record) as FlowRecord);
}

function collectNumber(text: string, before: number[] = []): number[] {
  if (/^\d{1,5}$/.test(text)) return [...before, Number(text)];
  throw new InvalidArgumentError('Ports are whole numbers.');
}

function collectProtocol(text: string, before: number[] = []): number[] {
  const number = PROTOCOL_NUMBERS[text.toLowerCase()];
  if (number !== undefined) return [...before, number];
  if (/^\d{1,3}$/.test(text)) return [...before, Number(text)];
  const known = Object.keys(PROTOCOL_NUMBERS).join(', ');
  throw new InvalidArgumentError(`It must be a number, or one of ${known}.`);
}
