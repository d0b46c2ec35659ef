import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { confine } from '../../test/load/machine.ts';
import type { Cores } from '../tools.ts';
import type { Measurement } from './measurement.ts';
import type { Answer, Request, Round, Start } from './protocol.ts';

const CHILD = path.join(import.meta.dirname, 'child.ts');
const READY_MS = 60_000;
/** Above the time asked for. */
const RUN_MS = 60_000;
const STOP_MS = 10_000;

/** A measurement in its process. */
export class Contender implements AsyncDisposable {
  readonly measurement: Measurement;
  readonly rounds: Round[] = [];
  readonly #child: ChildProcess;
  readonly #folder: string;

  private constructor(measurement: Measurement, child: ChildProcess, folder: string) {
    this.measurement = measurement;
    this.#child = child;
    this.#folder = folder;
  }

  /** @throws Error that says why it cannot be measured */
  static async start(measurement: Measurement, cores: Cores): Promise<Contender> {
    const folder = await mkdtemp(path.join(tmpdir(), 'floxy-bench-collector-'));
    const { id } = measurement;
    const start: Start = { id, folder, core: cores.proxy, otherCore: cores.rest };
    const child = fork(CHILD, [JSON.stringify(start)], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const contender = new Contender(measurement, child, folder);
    try {
      if (child.pid !== undefined) await confine(child.pid, [cores.proxy]);
      await contender.#answer(READY_MS);
    } catch (error) {
      await contender[Symbol.asyncDispose]();
      throw error;
    }
    return contender;
  }

  /** @throws Error when it failed or did not answer */
  async run(milliseconds: number): Promise<Round> {
    this.#send({ kind: 'run', milliseconds });
    const answer = await this.#answer(milliseconds + RUN_MS);
    if (answer.kind !== 'round') throw new Error(`${this.measurement.id} said ${answer.kind}`);
    this.rounds.push(answer.round);
    return answer.round;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const child = this.#child;
    if (child.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'exit');
      if (child.connected) this.#send({ kind: 'stop' });
      const timeout = delay(STOP_MS, 'timeout', { ref: false });
      if ((await Promise.race([ended, timeout])) === 'timeout') {
        child.kill('SIGKILL');
        await ended;
      }
    }
    await rm(this.#folder, { recursive: true, force: true });
  }

  #send(request: Request): void {
    this.#child.send(request);
  }

  async #answer(limitMs: number): Promise<Answer> {
    const { id } = this.measurement;
    const limit = AbortSignal.timeout(limitMs);
    const message = once(this.#child, 'message', { signal: limit }).then(([found]) => found);
    // Not 'exit', which may come before the last message.
    const ended = once(this.#child, 'disconnect', { signal: limit }).then(() => undefined);
    const answer = (await Promise.race([message, ended]).finally(() => {
      message.catch(() => undefined);
      ended.catch(() => undefined);
    })) as Answer | undefined;
    if (answer === undefined) throw new Error(`the process of ${id} has ended`);
    if (answer.kind === 'failed') throw new Error(answer.reason);
    return answer;
  }
}
