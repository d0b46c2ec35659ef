import { once } from 'node:events';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { FloxyError } from '../base/errors.ts';
import { Turn } from '../base/turn.ts';
import type { RestoredRules, RuleStore } from '../control/ports.ts';
import type { Revision, RuleChange } from '../model/rules.ts';
import type { SubsystemStatus } from '../model/status.ts';
import { detachLists } from './long-lists.ts';
import type { RuleStoreOptions } from './sqlite-rule-store.ts';
import type {
  StoreArguments,
  StoreMethod,
  StoreResult,
  ThreadFailure,
  ThreadMessage,
  ThreadOptions,
  ThreadRequest,
} from './thread-messages.ts';

/** The disk has a problem when a call takes longer. Replacing 100,000 rules takes about a second. */
const SLOW_MS = 5000;

interface Pending {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
  /** Milliseconds of performance.now(). */
  readonly since: number;
}

/**
 * A SqliteRuleStore in a thread of its own: whoever waits for a disk that is slow or hangs, supervision of
 * forwarders and calls that only read do not. One call at a time.
 */
export class ThreadedRuleStore implements RuleStore {
  readonly #path: string;
  readonly #log: RuleStoreOptions['log'];
  #thread: Worker | undefined;
  #pending: Pending | undefined;
  #status: SubsystemStatus = { state: 'Configuring' };

  constructor(options: RuleStoreOptions) {
    this.#path = options.path;
    this.#log = options.log;
  }

  async open(): Promise<RestoredRules> {
    this.#thread ??= this.#startThread();
    return this.#call('open');
  }

  async write(change: RuleChange, revision: Revision): Promise<void> {
    await this.#call('write', change, revision);
  }

  status(): SubsystemStatus {
    const waitedMs = performance.now() - (this.#pending?.since ?? Number.POSITIVE_INFINITY);
    if (waitedMs < SLOW_MS) return this.#status;
    const seconds = Math.floor(waitedMs / 1000);
    const error = `the database ${this.#path} has not answered for ${seconds} s: is its disk all right?`;
    return { state: 'Offline', error };
  }

  async close(): Promise<void> {
    if (this.#thread === undefined) return;
    const ended = once(this.#thread, 'exit');
    await this.#call('close');
    this.#thread = undefined;
    await ended;
  }

  #startThread(): Worker {
    const workerData: ThreadOptions = { path: this.#path };
    const thread = new Worker(new URL(`./thread${extname(import.meta.url)}`, import.meta.url), {
      workerData,
    });
    thread.on('message', (message: ThreadMessage) => this.#receive(message));
    // It answers whatever goes wrong with a database: this is a fault of the program, and ends it.
    thread.on('error', (error) => {
      throw error;
    });
    return thread;
  }

  async #call<M extends StoreMethod>(
    method: M,
    ...args: StoreArguments<M>
  ): Promise<StoreResult<M>> {
    const { rest, pieces } = detachLists(args);
    const turn = new Turn();
    for (const piece of pieces) {
      if (turn.isOver) await turn.next();
      this.#send({ kind: 'piece', piece });
    }
    if (this.#pending !== undefined) throw new Error('the store is at work');
    const result = await new Promise((resolve, reject) => {
      this.#pending = { resolve, reject, since: performance.now() };
      this.#send({ kind: 'call', method, args: rest });
    });
    return result as StoreResult<M>;
  }

  #send(request: ThreadRequest): void {
    if (this.#thread === undefined) {
      throw new FloxyError('NOT_READY', `the database ${this.#path} is not open`);
    }
    this.#thread.postMessage(request);
  }

  #receive(message: ThreadMessage): void {
    if (message.kind === 'log') {
      this.#log[message.level](message.fields, message.message);
      return;
    }
    this.#status = message.status;
    if (message.kind === 'status') return;
    const pending = this.#pending;
    this.#pending = undefined;
    if (message.failure === undefined) pending?.resolve(message.result);
    else pending?.reject(errorOf(message.failure));
  }
}

function errorOf({ code, message, stack }: ThreadFailure): Error {
  if (code !== undefined) return new FloxyError(code, message);
  return Object.assign(new Error(message), { stack });
}
