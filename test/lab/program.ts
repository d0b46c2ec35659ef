/** Programs that run in a namespace, and all that they say. */
import { type ChildProcess, spawn } from 'node:child_process';
import { endProcess, HANG_MS, hasEnded } from './shell.ts';

export interface ProgramOptions {
  /** On top of the environment of the test, of which settings of the proxy are left out. */
  readonly env?: NodeJS.ProcessEnv;
  /** Called when the log has grown. */
  readonly onOutput?: () => void;
}

export class Program implements AsyncDisposable {
  readonly #command: readonly string[];
  readonly #env: NodeJS.ProcessEnv;
  readonly #onOutput: (() => void) | undefined;
  #child: ChildProcess;
  #log = '';

  constructor(namespace: string, command: readonly string[], options: ProgramOptions = {}) {
    this.#command = ['netns', 'exec', namespace, ...command];
    const inherited = Object.entries(process.env).filter(([key]) => !key.startsWith('COLLECTOR_'));
    this.#env = { ...Object.fromEntries(inherited), ...options.env };
    this.#onOutput = options.onOutput;
    this.#child = this.#spawn();
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Everything that it wrote to stdout and stderr, since it was started for the first time. */
  get log(): string {
    return this.#log;
  }

  get hasEnded(): boolean {
    return hasEnded(this.#child);
  }

  /** The exit status; null while it runs and when a signal ended it. */
  get status(): number | null {
    return this.#child.exitCode;
  }

  /** The signal that ended it, if one did. */
  get signal(): NodeJS.Signals | null {
    return this.#child.signalCode;
  }

  /** Starts it again when it is not there. */
  start(): void {
    if (this.hasEnded) this.#child = this.#spawn();
  }

  /** Sends a signal, and kills it when it has not ended in time. @returns how long it took, in ms */
  end(signal: NodeJS.Signals = 'SIGTERM', timeoutMs = HANG_MS): Promise<number> {
    return endProcess(this.#child, signal, timeoutMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end('SIGKILL');
  }

  /** Called when it has ended. */
  protected onEnd(): void {}

  #spawn(): ChildProcess {
    const child = spawn('ip', this.#command, { env: this.#env, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#log += text;
        this.#onOutput?.();
      });
    }
    child.on('exit', () => this.onEnd());
    return child;
  }
}
