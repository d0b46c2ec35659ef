/**
 * The test's side of an agent (see agent-loop.ts): starts it in a network namespace and asks it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { lines } from './agent-loop.ts';
import { endProcess } from './shell.ts';

interface Answer {
  readonly id?: number;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** A running agent. Errors of its methods come back with all their JSON properties. */
export class Agent implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 1;
  #stderr = '';

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** @param script path of the agent's source, relative to test/lab */
  static async start(namespace: string, script: string): Promise<Agent> {
    const path = fileURLToPath(new URL(script, import.meta.url));
    const command = ['netns', 'exec', namespace, process.execPath, '--no-warnings', path];
    const child = spawn('ip', command, { stdio: ['pipe', 'pipe', 'pipe'] });
    const agent = new Agent(child);
    child.stdin.on('error', () => undefined);
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      agent.#stderr += text;
    });
    await new Promise<void>((resolve, reject) => {
      child.once('exit', () => reject(agent.#ended()));
      void agent.#readAnswers(child.stdout, resolve);
    });
    child.once('exit', () => agent.#rejectAll());
    return agent;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Asks the agent to run one of its methods. */
  ask<T>(method: string, params: object = {}): Promise<T> {
    const id = this.#nextId++;
    return new Promise<T>((resolve, reject) => {
      if (this.#child.exitCode !== null) return reject(this.#ended());
      this.#waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
      this.#child.stdin?.write(`${JSON.stringify({ id, method, params })}\n`);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = this.#child.exitCode === null ? once(this.#child, 'exit') : undefined;
    this.#child.stdin?.end();
    await Promise.race([ended, endProcess(this.#child, 'SIGTERM', 500)]);
  }

  async #readAnswers(stdout: NodeJS.ReadableStream, ready: () => void): Promise<void> {
    for await (const line of lines(stdout)) {
      const { id, result, error } = JSON.parse(line) as Answer;
      if (id === undefined) {
        ready();
        continue;
      }
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error === undefined) waiting?.resolve(result);
      else waiting?.reject(Object.assign(new Error(error.message), error));
    }
  }

  #rejectAll(): void {
    for (const waiting of this.#waiting.values()) waiting.reject(this.#ended());
    this.#waiting.clear();
  }

  #ended(): Error {
    return new Error(`the agent has ended: ${this.#stderr.trim()}`);
  }
}
