import { FloxyError } from '../base/errors.ts';
import type { CallContext } from './call-context.ts';

/** A handler that yields messages for as long as its client wants. */
type Watching<Request> = (request: Request, context: CallContext) => AsyncIterable<object>;

interface Watcher {
  /** Token, certificate or user; where none is known, the address. */
  readonly who: string;
  readonly displaced: AbortController;
}

/**
 * Places for clients that watch. When all are taken, a caller who has fewer of them gets one of a caller who has more:
 * nobody can keep all others out, also not those who come from the same address.
 */
export class WatcherPlaces {
  readonly #limit: number;
  /** In the order in which they came. */
  readonly #watchers = new Set<Watcher>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#watchers.size;
  }

  /** A handler whose streams each take a place. */
  limit<Request>(handler: Watching<Request>): Watching<Request> {
    const enter = (who: string) => this.#enter(who);
    const leave = (watcher: Watcher) => this.#watchers.delete(watcher);
    return async function* limited(request, context) {
      const watcher = enter(context.caller.who);
      const { signal: displaced } = watcher.displaced;
      try {
        const signal = AbortSignal.any([context.signal, displaced]);
        yield* handler(request, { ...context, signal });
        if (displaced.aborted) throw full('another caller needed this place');
      } finally {
        leave(watcher);
      }
    };
  }

  /** @throws FloxyError LIMIT_EXCEEDED */
  #enter(who: string): Watcher {
    if (this.#watchers.size >= this.#limit) this.#makeRoom(who);
    const watcher = { who, displaced: new AbortController() };
    this.#watchers.add(watcher);
    return watcher;
  }

  #makeRoom(who: string): void {
    const byCaller = Map.groupBy(this.#watchers, (watcher) => watcher.who);
    const own = byCaller.get(who)?.length ?? 0;
    const [most = []] = [...byCaller.values()].sort((a, b) => b.length - a.length);
    const last = most.at(-1);
    if (last === undefined || most.length <= own + 1) {
      throw full(`${this.#limit} callers watch already: end one of them, and try again`);
    }
    this.#watchers.delete(last);
    last.displaced.abort();
  }
}

function full(message: string): FloxyError {
  return new FloxyError('LIMIT_EXCEEDED', message);
}
