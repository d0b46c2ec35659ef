import { type ChildProcess, execFile, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { descendantsOf } from './processes.ts';

const execute = promisify(execFile);

const COMMAND_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 3000;
const MAX_OUTPUT_BYTES = 64 * 1024 ** 2;

/**
 * Runs a command to its end.
 *
 * @returns its standard output
 * @throws Error with its standard error when it fails or takes longer than a minute
 */
export async function run(command: string, args: readonly string[]): Promise<string> {
  const options = { timeout: COMMAND_TIMEOUT_MS, maxBuffer: MAX_OUTPUT_BYTES };
  return (await execute(command, args, options)).stdout;
}

/** Whether a command is in PATH. */
export async function isInstalled(command: string): Promise<boolean> {
  return await run('sh', ['-c', `command -v ${command}`]).then(
    () => true,
    () => false,
  );
}

/** Arguments that run a command in a network namespace, on the cores given. */
export function inNamespace(namespace: string, core: number, command: readonly string[]): string[] {
  return ['ip', 'netns', 'exec', namespace, 'taskset', '-c', `${core}`, ...command];
}

/** A process that runs until it is stopped. What it says on standard error is kept for errors. */
export class Service implements AsyncDisposable {
  /** Those of a run that is stopped while they start belong to nobody yet: they end with this process. */
  static readonly #running = new Set<Service>();
  static {
    process.once('exit', () => Service.#endAll());
  }

  readonly process: ChildProcess;
  #errors = '';

  constructor(command: readonly string[], options: SpawnOptions = {}) {
    const [program, ...args] = command;
    if (program === undefined) throw new TypeError('no command');
    this.process = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'], ...options });
    this.process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#errors = (this.#errors + text).slice(-4000);
    });
    this.process.on('error', (error) => {
      this.#errors += error.message;
    });
    Service.#running.add(this);
    this.process.once('exit', () => Service.#running.delete(this));
  }

  static #endAll(): void {
    for (const { process: child } of Service.#running) {
      const children = child.pid === undefined ? [] : descendantsOf(child.pid);
      child.kill('SIGKILL');
      for (const pid of children) killIfRunning(pid);
    }
  }

  get pid(): number {
    const { pid } = this.process;
    if (pid === undefined) throw new Error(`not started: ${this.#errors}`);
    return pid;
  }

  /** @throws Error with what it said when it has ended */
  assertRunning(): void {
    if (this.process.exitCode !== null || this.process.signalCode !== null) {
      throw new Error(`ended by itself: ${this.process.spawnargs.join(' ')}\n${this.#errors}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const child = this.process;
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const children = descendantsOf(child.pid);
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    const timeout = delay(STOP_TIMEOUT_MS, 'timeout', { ref: false });
    if ((await Promise.race([ended, timeout])) === 'timeout') {
      child.kill('SIGKILL');
      await ended;
    }
    for (const pid of children) killIfRunning(pid);
  }
}

/** What a process that was stopped has left behind. */
function killIfRunning(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended together with its parent.
  }
}

/**
 * Waits until something is so.
 *
 * @throws Error that names it when it is not so in time
 */
export async function waitFor(
  what: string,
  isSo: () => Promise<boolean> | boolean,
  timeoutMs = 20_000,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`waited ${timeoutMs} ms for ${what}`);
    await delay(20);
  }
}
