import { setTimeout as delay } from 'node:timers/promises';
import { type DescMethod, toJson } from '@bufbuild/protobuf';
import type { Command } from 'commander';
import { DrainWatch } from '../app/drain-watch.ts';
import { readAccess } from './access-options.ts';
import { type ApiAccess, callApi } from './api-client.ts';
import { CliError, EXIT } from './exit.ts';
import { parseLimit } from './limit-argument.ts';
import { findMethod, makeMessage } from './messages.ts';
import type { Terminal } from './terminal.ts';

const DEFAULT_LIMIT_SECONDS = 30;
const POLL_INTERVAL_MS = 250;

interface DrainOptions {
  readonly limit: number;
  readonly cancel?: boolean;
}

/** The part of SystemStatus that is looked at, in its JSON form. */
interface StatusJson {
  readonly forwarders?: readonly { readonly received?: { readonly packets?: string } }[];
}

/** Adds `floxy drain`. */
export function addDrainCommand(program: Command, terminal: Terminal): void {
  program
    .command('drain')
    .description(
      'take this node out of the network: health says NOT_SERVING, packets are forwarded until no more come',
    )
    .option(
      '--limit <seconds>',
      'how long to wait for the packets to stop; the node stays drained either way',
      parseLimit,
      DEFAULT_LIMIT_SECONDS,
    )
    .option('--cancel', 'end draining: the node takes its share again')
    .action(async ({ limit, cancel = false }: DrainOptions, command: Command) => {
      const access = readAccess(command, terminal.env);
      const method = findMethod('floxy', 'collector.proto.Settings', 'Drain');
      await callApi(access, method, makeMessage(method.input, cancel ? { cancel } : {}));
      if (cancel) return;
      const interruption = new AbortController();
      const ignore = terminal.onInterrupt(() => interruption.abort(stillDraining()));
      const outcome = await waitForEnd(access, limit, interruption.signal).finally(ignore);
      await terminal.print(`${outcome}\n`);
    });
}

function stillDraining(): CliError {
  return new CliError(
    EXIT.interrupted,
    'not waiting any more, but the node goes on draining: health says NOT_SERVING, and the network sends its share elsewhere; `floxy drain --cancel` ends it',
  );
}

/** @returns what to tell the operator @throws CliError when packets still come after the limit, or when interrupted */
async function waitForEnd(
  access: ApiAccess,
  limitSeconds: number,
  interruption: AbortSignal,
): Promise<string> {
  const method = findMethod('floxy', 'collector.proto.Settings', 'GetSystemStatus');
  const startMs = performance.now();
  const watch = new DrainWatch(startMs, limitSeconds * 1000);
  const first = await receivedPackets(access, method);
  let packets = first;
  let state = watch.observe(packets, performance.now());
  while (state === 'draining') {
    await delay(POLL_INTERVAL_MS, undefined, { signal: interruption }).catch(() => undefined);
    interruption.throwIfAborted();
    packets = await receivedPackets(access, method);
    state = watch.observe(packets, performance.now());
  }
  const took = `${((performance.now() - startMs) / 1000).toFixed(1)} s`;
  if (state === 'drained')
    return `drained after ${took}, ${packets - first} packets forwarded since`;
  throw new CliError(
    EXIT.failed,
    `packets still come after ${took}, ${packets - first} since the start: is an announcer running that watches this node, and has the network another one? The node goes on draining; \`floxy drain --cancel\` ends it.`,
  );
}

async function receivedPackets(access: ApiAccess, method: DescMethod): Promise<bigint> {
  const { message } = await callApi(access, method, makeMessage(method.input, {}));
  const { forwarders = [] } = toJson(method.output, message) as StatusJson;
  return forwarders.reduce((sum, { received }) => sum + BigInt(received?.packets ?? 0), 0n);
}
