import { z } from 'zod';
import { FloxyError, messageOf } from '../../../base/errors.ts';
import type { TemplateAsk } from '../../templates/ask.ts';
import { type CheckedPage, checkPage } from '../../templates/check-page.ts';
import type { PageStart, SharedChange } from '../../templates/kept-change.ts';

/** A worker that can be asked. */
export interface AskedWorker {
  ask(id: number, ask: TemplateAsk): void;
}

/** At the same time, of all who ask. */
const MAX_ASKS = 16;
/** A worker is never busy for so long, unless it hangs. */
const ANSWER_LIMIT_MS = 5000;

/** What a worker sends; one that was broken into may send anything. */
const PAGE = z.object({ page: z.unknown() });
const EPOCH = z.object({ epoch: z.string().max(64) });
const APPLIED = z.object({ applied: z.int().min(0) });
const ERROR = z.object({ error: z.string().max(1000) });

const NO_FORM = 'a worker answered in a form that is none';

interface Waiting {
  readonly worker: AskedWorker;
  readonly answered: (answer: unknown) => void;
  readonly failed: (reason: string) => void;
}

/** Where templates that workers keep are asked for, and given to them: by turns, any of them does. */
export class TemplateDesk {
  readonly #workers = new Set<AskedWorker>();
  readonly #waiting = new Map<number, Waiting>();
  readonly #answerLimitMs: number;
  #lastId = 0;

  /** @param answerLimitMs replaced in tests */
  constructor(answerLimitMs = ANSWER_LIMIT_MS) {
    this.#answerLimitMs = answerLimitMs;
  }

  /** Whether there is a worker to ask. */
  get isOpen(): boolean {
    return this.#workers.size > 0;
  }

  /** A worker is ready. @returns to be called when it ends */
  attach(worker: AskedWorker): () => void {
    this.#workers.add(worker);
    return () => {
      this.#workers.delete(worker);
      for (const { worker: asked, failed } of [...this.#waiting.values()]) {
        if (asked === worker) failed('the worker that was asked for templates has ended');
      }
    };
  }

  /** A worker has answered. */
  answered(worker: AskedWorker, id: number, answer: unknown): void {
    const waiting = this.#waiting.get(id);
    if (waiting?.worker === worker) waiting.answered(answer);
  }

  /** @throws FloxyError NOT_READY when no worker answers as it should, LIMIT_EXCEEDED when too many ask */
  async page(start: PageStart): Promise<CheckedPage> {
    const answer = PAGE.safeParse(await this.#ask({ what: 'page', start }));
    try {
      return checkPage(answer.data?.page);
    } catch (error) {
      throw notReady(messageOf(error));
    }
  }

  /** Tells the database of this node from others. @throws FloxyError as page() */
  async epoch(): Promise<string> {
    const answer = EPOCH.safeParse(await this.#ask({ what: 'epoch' }));
    if (!answer.success) throw notReady(NO_FORM);
    return answer.data.epoch;
  }

  /** Resolves when they are kept. @throws FloxyError as page() */
  async apply(changes: readonly SharedChange[]): Promise<void> {
    const answer = APPLIED.safeParse(await this.#ask({ what: 'apply', changes }));
    if (!answer.success) throw notReady(NO_FORM);
  }

  /** @returns what the worker sent, but for errors */
  async #ask(ask: TemplateAsk): Promise<unknown> {
    const [worker] = this.#workers;
    if (worker === undefined) {
      throw notReady('no pipeline has a worker here: it is workers that keep templates');
    }
    if (this.#waiting.size >= MAX_ASKS) {
      throw new FloxyError('LIMIT_EXCEEDED', `${MAX_ASKS} ask for templates already: try again`);
    }
    // Another one next time: this one may hang.
    this.#workers.delete(worker);
    this.#workers.add(worker);
    const answer = await this.#send(worker, ask);
    const failed = ERROR.safeParse(answer);
    if (failed.success) throw notReady(failed.data.error);
    return answer;
  }

  #send(worker: AskedWorker, ask: TemplateAsk): Promise<unknown> {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      const end = () => {
        clearTimeout(timer);
        this.#waiting.delete(id);
      };
      const failed = (reason: string) => {
        end();
        reject(notReady(reason));
      };
      const timer = setTimeout(
        () => failed('a worker that was asked for templates does not answer'),
        this.#answerLimitMs,
      );
      const answered = (answer: unknown) => {
        end();
        resolve(answer);
      };
      this.#waiting.set(id, { worker, answered, failed });
      worker.ask(id, ask);
    });
  }
}

function notReady(reason: string): FloxyError {
  return new FloxyError('NOT_READY', reason);
}
