import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { toJson } from '@bufbuild/protobuf';
import type { Command } from 'commander';
import { messageOf } from '../base/errors.ts';
import { splitHostAndPort } from '../config/socket-address.ts';
import { formatAddress, parseAddress } from '../model/address.ts';
import { readAccess } from './access-options.ts';
import { type ApiAccess, callApi } from './api-client.ts';
import { CliError, EXIT } from './exit.ts';
import { parseLimit } from './limit-argument.ts';
import { findMethod, makeMessage } from './messages.ts';
import { restartObstacle } from './service-manager.ts';
import type { Terminal } from './terminal.ts';

/** Ends control and leaves the forwarders to the next one: see src/app/serve.ts. */
const LEAVE_SIGNAL = 'SIGUSR2';

/** The title of control: see src/app/serve.ts. */
const CONTROL_TITLE = 'floxy: control';

const DEFAULT_LIMIT_SECONDS = 30;
const POLL_INTERVAL_MS = 50;

/** The service is between two processes: what it does not answer soon it will not answer at all. */
const POLL_TIMEOUT_MS = 1000;

const NOBODY = 'nobody answers: does a service manager start it again (systemd: Restart=always)?';

/** The part of BuildInfo that is looked at, in its JSON form. */
interface BuildJson {
  readonly version?: string;
  readonly commit?: string;
  readonly pid?: number;
}

/** The part of SystemStatus that is looked at, in its JSON form. */
interface StatusJson {
  readonly proxy?: { readonly state?: string; readonly error?: string };
}

interface UpgradeOptions {
  readonly limit: number;
  readonly supervised?: boolean;
}

type RunningBuild = BuildJson & { readonly pid: number };

/** Adds `floxy upgrade`. */
export function addUpgradeCommand(program: Command, terminal: Terminal): void {
  program
    .command('upgrade')
    .description(
      'end control on this host so that the service manager starts what is installed now; forwarders go on until it has taken them over',
    )
    .option(
      '--limit <seconds>',
      'how long the new one may take to be ready',
      parseLimit,
      DEFAULT_LIMIT_SECONDS,
    )
    .option('--supervised', 'something other than systemd starts it again when it ends')
    .action(async ({ limit, supervised = false }: UpgradeOptions, command: Command) => {
      const access = readAccess(command, terminal.env);
      assertOnThisHost(access.target);
      const before = await readBuild(access);
      assertReplaceable(before.pid, supervised);
      const startMs = performance.now();
      signalControl(before.pid);
      const after = await waitForSuccessor(access, before, limit);
      const took = ((performance.now() - startMs) / 1000).toFixed(1);
      await terminal.print(`${describe(before)} -> ${describe(after)}, ready after ${took} s\n`);
    });
}

/** A process number of another host would mean some other process here. @throws CliError */
function assertOnThisHost(target: string): void {
  if (target.startsWith('unix:')) return;
  const host = splitHostAndPort(target)?.host ?? '';
  const octets = parseAddress(host);
  const address = octets === undefined ? host : formatAddress(octets);
  const own = Object.values(networkInterfaces()).flatMap((list) =>
    (list ?? []).map((entry) => entry.address),
  );
  if (address === 'localhost' || own.includes(address)) return;
  throw new CliError(
    EXIT.usage,
    `upgrade works on the service of this host, and ${host} is none of its addresses`,
  );
}

async function readBuild(access: ApiAccess): Promise<RunningBuild> {
  const build = await ask<BuildJson>(access, 'GetBuildInfo');
  const { pid } = build;
  if (pid !== undefined) return { ...build, pid };
  throw new CliError(
    EXIT.failed,
    'the running service is of a version that cannot be upgraded in place: drain and restart it',
  );
}

/** @throws CliError when the process is none that would be replaced: then nothing has been done */
function assertReplaceable(pid: number, isSupervised: boolean): void {
  if (pid === 1) {
    const advice = 'drain it, and replace the container';
    throw new CliError(EXIT.failed, `the service is the first process of its container: ${advice}`);
  }
  if (!isService(pid)) {
    const advice = 'run this where it runs, in the same container';
    throw new CliError(EXIT.failed, `process ${pid} is no \`floxy serve\` here: ${advice}`);
  }
  const obstacle = isSupervised ? undefined : restartObstacle(pid);
  if (obstacle === undefined) return;
  throw new CliError(
    EXIT.failed,
    `nothing was done: nobody seems to start process ${pid} again when it ends (${obstacle}), and flow would stop. With --supervised it is ended all the same`,
  );
}

/** @throws CliError */
function signalControl(pid: number): void {
  try {
    process.kill(pid, LEAVE_SIGNAL);
  } catch (error) {
    const advice = 'run this as root or as the user of the service';
    throw new CliError(EXIT.failed, `process ${pid} cannot be signalled: ${advice}`, {
      cause: error,
    });
  }
}

function isService(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').startsWith(CONTROL_TITLE);
  } catch {
    return false;
  }
}

/** Waits until another process answers and its proxy is OK. @throws CliError after the limit */
async function waitForSuccessor(
  access: ApiAccess,
  before: RunningBuild,
  limitSeconds: number,
): Promise<RunningBuild> {
  const deadline = performance.now() + limitSeconds * 1000;
  const quick = { ...access, timeoutMs: POLL_TIMEOUT_MS };
  let seen: RunningBuild | string = NOBODY;
  while (performance.now() < deadline) {
    seen = await lookForSuccessor(quick, before).catch(explainFailure);
    if (typeof seen !== 'string') return seen;
    await delay(POLL_INTERVAL_MS);
  }
  throw new CliError(
    EXIT.failed,
    `${describe(before)} was told to end, and none that is ready took its place within ${limitSeconds} s: ${seen}`,
  );
}

/** @returns the successor, or why there is none that is ready @throws CliError */
async function lookForSuccessor(
  access: ApiAccess,
  before: RunningBuild,
): Promise<RunningBuild | string> {
  const after = await readBuild(access);
  if (after.pid === before.pid) return `process ${before.pid} has not ended`;
  const { proxy } = await ask<StatusJson>(access, 'GetSystemStatus');
  if (proxy?.state === 'OK') return after;
  const error = proxy?.error === undefined ? '' : ` (${proxy.error})`;
  return `the proxy of ${describe(after)} is ${proxy?.state ?? 'unknown'}${error}`;
}

function explainFailure(error: unknown): string {
  if (!(error instanceof CliError)) throw error;
  return error.exitCode === EXIT.unreachable ? NOBODY : messageOf(error);
}

async function ask<Answer>(access: ApiAccess, name: string): Promise<Answer> {
  const method = findMethod('floxy', 'collector.proto.Settings', name);
  const { message } = await callApi(access, method, makeMessage(method.input, {}));
  return toJson(method.output, message) as Answer;
}

function describe({ version = 'unknown', commit, pid }: RunningBuild): string {
  const revision = commit === undefined || commit === 'unknown' ? '' : `, ${commit.slice(0, 8)}`;
  return `floxy ${version} (pid ${pid}${revision})`;
}
