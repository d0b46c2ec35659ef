import { addon, type WatchHandle } from './addon.ts';
import { check, SystemCallError } from './system-call.ts';

/** What has changed in the network of this host. */
export interface NetworkChange {
  readonly neighbours: boolean;
  /** Routes, next hops, links or addresses. */
  readonly routes: boolean;
  /** Policy rules, queueing disciplines or filters of links. */
  readonly policy: boolean;
}

/** SYS_CHANGED_* of native/include/sys_watch.h. */
const CHANGED = { NEIGHBOURS: 1, ROUTES: 2, POLICY: 4 };

/** Changes come in bursts: they are told together. */
const GATHER_MS = 15;

/** Is told by the kernel when routes, neighbours, links, addresses, policy rules or queueing disciplines change. */
export class NetworkWatch {
  readonly #onChange: (change: NetworkChange) => void;
  #handle: WatchHandle | undefined;
  /** Since it was told last. */
  #changed = 0;
  #isGathering = false;

  /** @param onChange what did; all, when there was more than the kernel could tell */
  constructor(onChange: (change: NetworkChange) => void) {
    this.#onChange = onChange;
  }

  /** @throws SystemCallError */
  start(): void {
    const handle = addon().networkWatchOpen();
    if (typeof handle === 'number') throw new SystemCallError('networkWatchOpen', -handle);
    this.#handle = handle;
    check(
      'watchStart',
      addon().watchStart(handle, () => this.#take(handle)),
    );
  }

  stop(): void {
    if (this.#handle !== undefined) addon().watchClose(this.#handle);
    this.#handle = undefined;
  }

  /** @returns milliseconds to wait before the next call, 0 = until there is something */
  #take(handle: WatchHandle): number {
    this.#changed |= check('networkWatchTake', addon().networkWatchTake(handle));
    if (this.#changed === 0) return 0;
    this.#isGathering = !this.#isGathering;
    if (this.#isGathering) return GATHER_MS;
    const changed = this.#changed;
    this.#changed = 0;
    this.#onChange({
      neighbours: (changed & CHANGED.NEIGHBOURS) !== 0,
      routes: (changed & CHANGED.ROUTES) !== 0,
      policy: (changed & CHANGED.POLICY) !== 0,
    });
    return 0;
  }
}
