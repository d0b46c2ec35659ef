import { FloxyError } from '../../../base/errors.ts';
import type { TailedRecords, TailRequest } from './request.ts';

/** At the same time: each has every worker decode what it writes once more. */
const MAX_TAILS = 8;

/** A worker that can be looked at. */
export interface TappedWorker {
  readonly pipeline: string;
  tap(request: TailRequest): void;
  untap(id: number): void;
}

/** What somebody wants to see, and of which pipelines. */
export interface TailWish extends Omit<TailRequest, 'id'> {
  /** None = all. */
  readonly pipelines: readonly string[];
}

/** Hears what workers found. */
export type TailListener = (
  pipeline: string,
  found: Pick<TailedRecords, 'records' | 'skipped'>,
) => void;

interface Tail {
  readonly wish: TailWish;
  readonly listener: TailListener;
}

/** Who looks at which workers. Workers come and go meanwhile. */
export class Taps {
  readonly #workers = new Set<TappedWorker>();
  readonly #tails = new Map<number, Tail>();
  #lastId = 0;

  /** @returns what ends it @throws FloxyError LIMIT_EXCEEDED when too many look already */
  tail(wish: TailWish, listener: TailListener): () => void {
    if (this.#tails.size >= MAX_TAILS) {
      const message = `${MAX_TAILS} look at flows already: end one of them, and try again`;
      throw new FloxyError('LIMIT_EXCEEDED', message);
    }
    const id = ++this.#lastId;
    this.#tails.set(id, { wish, listener });
    for (const worker of this.#workers) this.#tap(worker, id, wish);
    return () => {
      this.#tails.delete(id);
      for (const worker of this.#workers) worker.untap(id);
    };
  }

  /** A worker has come. @returns to be called when it has gone */
  attach(worker: TappedWorker): () => void {
    this.#workers.add(worker);
    for (const [id, { wish }] of this.#tails) this.#tap(worker, id, wish);
    return () => this.#workers.delete(worker);
  }

  /** A worker found something. */
  found({ pipeline }: TappedWorker, { id, records, skipped }: TailedRecords): void {
    this.#tails.get(id)?.listener(pipeline, { records, skipped });
  }

  #tap(worker: TappedWorker, id: number, { pipelines, ...wish }: TailWish): void {
    if (pipelines.length > 0 && !pipelines.includes(worker.pipeline)) return;
    worker.tap({ id, ...wish });
  }
}
