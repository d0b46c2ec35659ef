/** Programs that run in a namespace for as long as the lab does. */
import { type ChildProcess, spawn } from 'node:child_process';
import { endProcess, hasEnded } from '../lab/shell.ts';

const END_LIMIT_MS = 20_000;

export interface ProgramOptions {
  readonly env?: NodeJS.ProcessEnv;
  /** Starts it again when it ends, as a service manager does. */
  readonly isKept?: boolean;
  /** Called when the log has grown. */
  readonly onOutput?: () => void;
}

export class Program implements AsyncDisposable {
  readonly #command: readonly string[];
  readonly #env: NodeJS.ProcessEnv;
  readonly #onOutput: (() => void) | undefined;
  #isKept: boolean;
  #child: ChildProcess;
  #log = '';

  constructor(namespace: string, command: readonly string[], options: ProgramOptions = {}) {
    this.#command = ['netns', 'exec', namespace, ...command];
    const inherited = Object.entries(process.env).filter(([key]) => !key.startsWith('COLLECTOR_'));
    this.#env = { ...Object.fromEntries(inherited), ...options.env };
    this.#isKept = options.isKept ?? false;
    this.#onOutput = options.onOutput;
    this.#child = this.#spawn();
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** What it wrote to stdout and stderr, with that of those before it. */
  get log(): string {
    return this.#log;
  }

  get hasEnded(): boolean {
    return hasEnded(this.#child);
  }

  get status(): number | null {
    return this.#child.exitCode;
  }

  /** From now on it stays down when it ends, until start(). */
  release(): void {
    this.#isKept = false;
  }

  /** Starts it when it is not there, and keeps it. */
  start(): void {
    this.#isKept = true;
    if (this.hasEnded) this.#child = this.#spawn();
  }

  /** Ends it for good, unless it is started again. */
  async end(signal: NodeJS.Signals): Promise<void> {
    this.release();
    await endProcess(this.#child, signal, END_LIMIT_MS);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end('SIGKILL');
  }

  #spawn(): ChildProcess {
    const child = spawn('ip', this.#command, { env: this.#env, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#log += text;
        this.#onOutput?.();
      });
    }
    child.on('exit', () => {
      if (this.#isKept && child === this.#child) this.#child = this.#spawn();
    });
    return child;
  }
}

/** Milliseconds of CLOCK_MONOTONIC, which the sender and the counter use too. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
