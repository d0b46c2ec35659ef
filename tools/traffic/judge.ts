/** Runs the judge, and asks it: judge/main.c says what it understands. */
import { type ChildProcess, spawn } from 'node:child_process';
import { lines } from '../../test/lab/agent-loop.ts';
import { endProcess, hasEnded } from '../../test/lab/shell.ts';
import { programPath } from './programs.ts';

/** What arrived; all counts since `start`. */
export interface Arrived {
  /** Numbered packets of which at least one copy arrived. */
  readonly packets: number;
  /** Numbered packets of which none arrived; complete only after `finish`. */
  readonly missing: number;
  readonly copies: number;
  readonly bytes: number;
  /** Copies without a number: those of hostile packets. */
  readonly unnumbered: number;
  /** IP fragments after the first of their copy. */
  readonly fragments: number;
  /** Copies that came to an output twice. */
  readonly doubled: number;
  readonly disordered: number;
  /** Copies of one packet by different generations of rules. */
  readonly mixed: number;
  /** Copies by older rules than a copy before them of the same exporter. */
  readonly stale: number;
  readonly misrouted: number;
  /** Copies with another payload, length or source than was sent. */
  readonly damaged: number;
  /** Copies of packets that nobody sent. */
  readonly unknown: number;
  /** Packets that reached some of their outputs but not all; complete only after `finish`. */
  readonly incomplete: number;
  readonly copiesMissing: number;
  /** Copies that the judge itself lost: the run says nothing then. */
  readonly ringDrops: number;
  readonly destinations: readonly {
    readonly family: 4 | 6;
    readonly host: number;
    readonly output: number;
    readonly copies: number;
    readonly bytes: number;
  }[];
  readonly streams: readonly {
    readonly packets: number;
    readonly missing: number;
    readonly longestGapNs: number;
  }[];
  /** When the last packet that rules of this generation forwarded was sent. */
  readonly generations: readonly { readonly generation: number; readonly lastSentAtMs: number }[];
  /** From the generator to the judge, since `reset`. */
  readonly latency: {
    readonly count: number;
    readonly p50Ns: number;
    readonly p99Ns: number;
    readonly maxNs: number;
  };
}

export class Judge implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #answers: AsyncGenerator<string>;
  #stderr = '';
  #turn: Promise<unknown> = Promise.resolve();

  /** Starts it. @param prefix words before the program, such as `ip netns exec NAME` */
  constructor(prefix: readonly string[]) {
    const [file = '', ...args] = [...prefix, programPath('judge')];
    this.#child = spawn(file, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child.stderr?.setEncoding('utf8').on('data', (said: string) => {
      this.#stderr += said;
    });
    this.#child.stdin?.on('error', () => undefined);
    if (this.#child.stdout === null) throw new Error('the judge has no output');
    this.#answers = lines(this.#child.stdout);
  }

  get hasEnded(): boolean {
    return hasEnded(this.#child);
  }

  /** What it said on standard error. */
  get complaints(): string {
    return this.#stderr.trim();
  }

  /** One command at a time: answers have no names. */
  ask<T>(command: string): Promise<T> {
    const answered = this.#turn.then(() => {
      this.#child.stdin?.write(`${command}\n`);
      return this.#answer<T>();
    });
    this.#turn = answered.catch(() => undefined);
    return answered;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await endProcess(this.#child, 'SIGTERM', 2_000);
  }

  async #answer<T>(): Promise<T> {
    const { value, done } = await this.#answers.next();
    if (done) {
      const how = this.hasEnded ? 'has ended' : 'has closed its output';
      throw new Error(`the judge ${how}: ${this.complaints}`);
    }
    return JSON.parse(value) as T;
  }
}
