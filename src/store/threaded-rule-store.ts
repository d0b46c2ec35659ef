import { once } from 'node:events';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { FloxyError } from '../base/errors.ts';
import { Turn } from '../base/turn.ts';
import type { HistoryStore, RestoredRules, RuleStore } from '../control/ports.ts';
import type {
  BackupContent,
  BackupExtra,
  BackupFile,
  HistoryLimits,
  MadeChange,
  RevisionPage,
  RevisionQuery,
  WayBack,
} from '../model/history.ts';
import type { Revision, RuleChange } from '../model/rules.ts';
import type { SubsystemStatus } from '../model/status.ts';
import { detachLists, LongLists } from './long-lists.ts';
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
 * forwarders and calls that only read do not.
 */
export class ThreadedRuleStore implements RuleStore, HistoryStore {
  readonly #path: string;
  readonly #historyLimits: HistoryLimits;
  readonly #log: RuleStoreOptions['log'];
  readonly #lists = new LongLists();
  /** Settles when the call before has been answered. */
  #last: Promise<unknown> = Promise.resolve();
  #thread: Worker | undefined;
  #pending: Pending | undefined;
  #status: SubsystemStatus = { state: 'Configuring' };

  constructor(options: RuleStoreOptions) {
    this.#path = options.path;
    this.#historyLimits = options.historyLimits;
    this.#log = options.log;
  }

  async open(): Promise<RestoredRules> {
    this.#thread ??= this.#startThread();
    return this.#call('open');
  }

  async write(change: RuleChange, revision: Revision, made?: MadeChange): Promise<void> {
    await this.#call('write', change, revision, made);
  }

  revisions(query: RevisionQuery): Promise<RevisionPage> {
    return this.#call('revisions', query);
  }

  wayBack(revision: number): Promise<WayBack> {
    return this.#call('wayBack', revision);
  }

  backup(extra: BackupExtra): Promise<BackupFile> {
    return this.#call('backup', extra);
  }

  makeCopyFile(): Promise<string> {
    return this.#call('makeCopyFile');
  }

  readBackup(path: string): Promise<BackupContent> {
    return this.#call('readBackup', path);
  }

  removeCopy(path: string): Promise<void> {
    return this.#call('removeCopy', path);
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
    const workerData: ThreadOptions = { path: this.#path, historyLimits: this.#historyLimits };
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

  /** One call after the other: the thread does no more at once, and lists go ahead of the call that they belong to. */
  #call<M extends StoreMethod>(method: M, ...args: StoreArguments<M>): Promise<StoreResult<M>> {
    const result = this.#last.then(() => this.#callNow(method, ...args));
    this.#last = result.catch(() => {});
    return result;
  }

  async #callNow<M extends StoreMethod>(
    method: M,
    ...args: StoreArguments<M>
  ): Promise<StoreResult<M>> {
    const { rest, pieces } = detachLists(args);
    const turn = new Turn();
    for (const piece of pieces) {
      if (turn.isOver) await turn.next();
      this.#send({ kind: 'piece', piece });
    }
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
    if (message.kind === 'piece') {
      this.#lists.add(message.piece);
      return;
    }
    if (message.kind === 'log') {
      this.#log[message.level](message.fields, message.message);
      return;
    }
    this.#status = message.status;
    if (message.kind === 'status') return;
    const pending = this.#pending;
    this.#pending = undefined;
    if (message.failure === undefined) pending?.resolve(this.#lists.attach([message.result])[0]);
    else pending?.reject(errorOf(message.failure));
  }
}

function errorOf({ code, message, stack }: ThreadFailure): Error {
  if (code !== undefined) return new FloxyError(code, message);
  return Object.assign(new Error(message), { stack });
}
