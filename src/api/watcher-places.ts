import { FloxyError } from '../base/errors.ts';
import { addressOf, type CallContext } from './call-context.ts';

/** A handler that yields messages for as long as its client wants. */
type Watching<Request> = (request: Request, context: CallContext) => AsyncIterable<object>;

interface Watcher {
  readonly address: string;
  readonly displaced: AbortController;
}

/**
 * Places for clients that watch. When all are taken, a client from an address that has fewer of them gets one of
 * an address that has more: nobody can keep all others out.
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
    const enter = (address: string) => this.#enter(address);
    const leave = (watcher: Watcher) => this.#watchers.delete(watcher);
    return async function* limited(request, context) {
      const watcher = enter(addressOf(context.peer));
      const { signal: displaced } = watcher.displaced;
      try {
        const signal = AbortSignal.any([context.signal, displaced]);
        yield* handler(request, { ...context, signal });
        if (displaced.aborted) throw full('a client from another address needed this place');
      } finally {
        leave(watcher);
      }
    };
  }

  /** @throws FloxyError LIMIT_EXCEEDED */
  #enter(address: string): Watcher {
    if (this.#watchers.size >= this.#limit) this.#makeRoom(address);
    const watcher = { address, displaced: new AbortController() };
    this.#watchers.add(watcher);
    return watcher;
  }

  #makeRoom(address: string): void {
    const byAddress = Map.groupBy(this.#watchers, (watcher) => watcher.address);
    const own = byAddress.get(address)?.length ?? 0;
    const [most = []] = [...byAddress.values()].sort((a, b) => b.length - a.length);
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
