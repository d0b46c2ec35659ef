/**
 * A clean Debian with systemd as its first process, in a network namespace of the lab: where a package is installed as on
 * a machine. The tree is made by scripts/test-package; what happens in it is forgotten.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { packageRoot } from '../../src/package-root.ts';
import { Api } from '../lab/api.ts';
import { makeFolder } from '../lab/lab.ts';
import { attempt, endProcess, hasEnded, run, waitFor } from '../lab/shell.ts';

/** Where this checkout is in a container. */
export const CHECKOUT = '/checkout';

/** Debian, as debootstrap makes it. */
const TREE = process.env['FLOXY_PACKAGE_TREE'] ?? '';
/** Where scripts/test-package has put the packages. */
export const PACKAGES = process.env['FLOXY_PACKAGES'] ?? '';

/** One hierarchy of control groups, and switches of the network that can be set (systemd's ENVIRONMENT.md). */
const NSPAWN = {
  SYSTEMD_NSPAWN_UNIFIED_HIERARCHY: '1',
  SYSTEMD_NSPAWN_API_VFS_WRITABLE: 'network',
};

const ENVIRONMENT = ['PATH=/usr/sbin:/usr/bin', 'DEBIAN_FRONTEND=noninteractive'];

export function requireTree(): string | false {
  if (TREE !== '' && PACKAGES !== '') return false;
  return 'needs a Debian tree and packages: run scripts/test-package';
}

export interface CommandResult {
  readonly status: number | null;
  /** Standard output and standard error. */
  readonly output: string;
}

export class Container implements AsyncDisposable {
  /** Its root, seen from outside. */
  readonly root: string;
  readonly api: Api;
  readonly #folder: string;
  readonly #nspawn: ChildProcess;
  readonly #pid: number;

  private constructor(parts: { folder: string; nspawn: ChildProcess; pid: number; api: Api }) {
    this.#folder = parts.folder;
    this.root = path.join(parts.folder, 'root');
    this.#nspawn = parts.nspawn;
    this.#pid = parts.pid;
    this.api = parts.api;
  }

  /** Boots it. @param namespace of the network */
  static async boot(namespace: string): Promise<Container> {
    const folder = makeFolder('package');
    await mountTree(folder);
    const nspawn = spawn('systemd-nspawn', nspawnOptions(folder, namespace), {
      env: { ...process.env, ...NSPAWN },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    try {
      const pid = await firstProcess(nspawn);
      const api = await Api.start(namespace);
      const container = new Container({ folder, nspawn, pid, api });
      await waitFor('the container has booted', () => container.#hasBooted());
      return container;
    } catch (error) {
      await dismantle(nspawn, folder);
      throw error;
    }
  }

  /** Runs a command in it, as root. */
  attempt(...command: readonly string[]): Promise<CommandResult> {
    return this.#inside('', command);
  }

  /** Gives a command its standard input, and it has to succeed. */
  async feed(input: string, ...command: readonly string[]): Promise<void> {
    assertSuccess(command, await this.#inside(input, command));
  }

  /** Runs a command that has to succeed. @returns what it printed */
  async run(...command: readonly string[]): Promise<string> {
    const result = await this.attempt(...command);
    assertSuccess(command, result);
    return result.output.trim();
  }

  /** What systemd says of a unit. */
  property(name: string, unit = 'floxy.service'): Promise<string> {
    return this.run('systemctl', 'show', `--property=${name}`, '--value', unit);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.api[Symbol.asyncDispose]();
    await dismantle(this.#nspawn, this.#folder);
  }

  async #inside(input: string, command: readonly string[]): Promise<CommandResult> {
    const enter = ['nsenter', '-t', String(this.#pid), '-a', 'env', '-i', ...ENVIRONMENT];
    const { status, stdout, stderr } = await attempt([...enter, ...command], input);
    return { status, output: `${stdout}${stderr}` };
  }

  async #hasBooted(): Promise<boolean> {
    if (hasEnded(this.#nspawn)) throw new Error('the container has ended');
    const { output } = await this.attempt('systemctl', 'is-system-running');
    return ['running', 'degraded'].includes(output.trim());
  }
}

function assertSuccess(command: readonly string[], { status, output }: CommandResult): void {
  if (status !== 0) throw new Error(`${command.join(' ')} ended with ${status}:\n${output}`);
}

function nspawnOptions(folder: string, namespace: string): string[] {
  return [
    '--quiet',
    '--boot',
    `--directory=${folder}/root`,
    `--network-namespace-path=/run/netns/${namespace}`,
    `--machine=${path.basename(folder)}`,
    '--register=no',
    '--keep-unit',
    '--console=pipe',
    '--capability=CAP_NET_ADMIN,CAP_NET_RAW,CAP_BPF,CAP_PERFMON',
    '--system-call-filter=bpf',
    `--bind-ro=${PACKAGES}:/packages`,
    `--bind-ro=${packageRoot}:${CHECKOUT}`,
  ];
}

/** systemd in the container, by its number outside. */
function firstProcess({ pid = 0 }: ChildProcess): Promise<number> {
  return waitFor('the container has a first process', () => {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
    return children.map(Number).find((child) => child > 0 && isSystemd(child));
  });
}

function isSystemd(pid: number): boolean {
  return readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'systemd';
}

/** The Debian, and above it a folder in memory for what changes. */
async function mountTree(folder: string): Promise<void> {
  await run(['mount', '-t', 'tmpfs', 'tmpfs', folder]);
  for (const name of ['upper', 'work', 'root']) mkdirSync(path.join(folder, name));
  const layers = `lowerdir=${TREE},upperdir=${folder}/upper,workdir=${folder}/work`;
  await run(['mount', '-t', 'overlay', 'overlay', '-o', layers, `${folder}/root`]);
}

async function dismantle(nspawn: ChildProcess, folder: string): Promise<void> {
  await endProcess(nspawn, 'SIGKILL', 30_000);
  await waitFor('the tree is free', async () => {
    const { status } = await attempt(['umount', `${folder}/root`]);
    return status === 0;
  });
  await attempt(['umount', folder]);
  rmSync(folder, { recursive: true });
}
