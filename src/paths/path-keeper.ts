import type { Logger } from 'pino';
import { messageOf } from '../base/errors.ts';
import { Turn } from '../base/turn.ts';
import type { Octets } from '../model/address.ts';
import { findInTurns } from '../native/find-in-turns.ts';
import type { Hop } from '../native/hops.ts';
import type { Route } from '../native/network.ts';
import { NetworkWatch } from '../native/network-watch.ts';
import { NextHops } from '../native/next-hops.ts';
import { PATHS } from '../native/paths-layout.ts';
import { type FrameHop, frameWay, NO_PATH, type NoPath } from './frame-way.ts';
import { KERNEL, type Kernel } from './kernel.ts';
import type { BookedPath, PathBook } from './path-book.ts';
import type { PathMemory } from './path-memory.ts';
import { PathRows } from './path-rows.ts';
import type { RowRuns } from './row-runs.ts';
import type { SenderChoice } from './sender-choice.ts';
import { type AskNeighbour, StaleNeighbours } from './stale-neighbours.ts';

/** How often it says that what is written is true: much more often than PATHS_STALE_MS. */
const BEAT_MS = 1000;
/** How often it asks of all routes, whatever the kernel has told: what was learnt of a path's MTU it does not tell. */
const ROUTES_MS = 5000;
/** And the longer a look takes, the rarer: one fiftieth of the time. */
const SPARING = 50;
/** After a look nothing is looked at for ten times as long as it took, however much changes. */
const REST = 10;

interface Known {
  readonly route: Route;
  readonly hops: readonly Hop[] | undefined;
}

/** What is known of how copies leave. */
export interface PathsStatus {
  /** How they leave where there is a path. */
  readonly sender: 'frames' | 'kernel';
  /** Why so, in words. */
  readonly reason: string;
  /** Addresses of collectors that have a path. */
  readonly ready: number;
  /** How many have none, by the reason; those that there are. */
  readonly without: ReadonlyMap<NoPath, number>;
}

export interface PathKeeperParts {
  readonly book: PathBook;
  readonly memory: PathMemory;
  readonly rows: RowRuns;
  readonly choice: SenderChoice;
  readonly askNeighbour: AskNeighbour;
  readonly log: Logger;
  /** The engine in the kernel was asked for, whatever its frames pass by. */
  readonly isKernelAsked?: boolean;
  /** Replaced in tests. */
  readonly kernel?: Kernel;
}

/** Keeps the path table true: asks the kernel of the ways to all addresses of the book when it tells that some changed. */
export class PathKeeper {
  readonly #book: PathBook;
  readonly #memory: PathMemory;
  readonly #rows: PathRows;
  readonly #choice: SenderChoice;
  readonly #stale: StaleNeighbours;
  readonly #log: Logger;
  readonly #kernel: Kernel;
  /** Who makes frames whatever is on the way of output: bits of `users`. */
  readonly #always: number;
  readonly #watch = new NetworkWatch(({ neighbours, routes, policy }) => {
    if (policy) this.#choice.look();
    if (routes || policy) this.#want('routes');
    else if (neighbours) this.#want('neighbours');
  });
  /** By index, as the kernel said it last. */
  readonly #known = new Map<number, Known>();
  /** By index, why there is none; absent: not looked at yet, or there is one. */
  readonly #problems = new Map<number, NoPath>();
  /** Those that have one. */
  readonly #ready = new Set<number>();
  #wanted: 'nothing' | 'neighbours' | 'routes' = 'nothing';
  #isLooking = false;
  #isRunning = false;
  /** When the last look ended, and the last one at routes, and how long these took. */
  #endedMs = Number.NEGATIVE_INFINITY;
  #tookMs = 0;
  #routesEndedMs = Number.NEGATIVE_INFINITY;
  #routesTookMs = 0;
  #lookTimer: NodeJS.Timeout | undefined;
  #beatTimer: NodeJS.Timeout | undefined;
  #error: string | undefined;

  constructor(parts: PathKeeperParts) {
    this.#book = parts.book;
    this.#memory = parts.memory;
    this.#rows = new PathRows(parts.memory, parts.rows);
    this.#choice = parts.choice;
    this.#stale = new StaleNeighbours(parts.askNeighbour);
    this.#log = parts.log;
    this.#kernel = parts.kernel ?? KERNEL;
    this.#always = parts.isKernelAsked ? PATHS.KERNEL : 0;
  }

  start(): void {
    try {
      this.#watch.start();
    } catch (error) {
      this.#log.warn({ error: messageOf(error) }, 'the kernel tells nothing of its network');
      return;
    }
    this.#isRunning = true;
    this.#book.listen((gone) => this.#bookChanged(gone));
    this.#choice.start((mayMakeFrames) => {
      this.#memory.users = mayMakeFrames ? PATHS.SENDER | PATHS.KERNEL : this.#always;
    });
    this.#beatTimer = setInterval(() => this.#beat(), BEAT_MS);
    this.#want('routes');
  }

  /** What is written stays, and is believed for PATHS_STALE_MS: forwarders may go on without this process. */
  stop(): void {
    this.#isRunning = false;
    clearInterval(this.#beatTimer);
    clearTimeout(this.#lookTimer);
    this.#watch.stop();
    this.#choice.stop();
  }

  /** Why copies to an address do not leave as frames, in words; undefined when they do. */
  whyNoFrames(octets: Octets): string | undefined {
    const { mayMakeFrames, reason } = this.#choice;
    return mayMakeFrames ? this.whyNoPath(octets) : reason;
  }

  /** Why there is no path to an address, in words; undefined when there is one. */
  whyNoPath(octets: Octets): string | undefined {
    const path = this.#book.find(octets);
    if (path === undefined) return NO_PATH['no room'];
    if (this.#ready.has(path.index)) return undefined;
    return NO_PATH[this.#problems.get(path.index) ?? 'not looked at'];
  }

  status(): PathsStatus {
    const without = new Map<NoPath, number>();
    for (const problem of this.#problems.values())
      without.set(problem, (without.get(problem) ?? 0) + 1);
    const { mayMakeFrames, reason } = this.#choice;
    const sender = mayMakeFrames ? 'frames' : 'kernel';
    return { sender, reason, ready: this.#ready.size, without };
  }

  #bookChanged(gone: readonly BookedPath[]): void {
    for (const { index } of gone) {
      this.#rows.clear(index);
      this.#known.delete(index);
      this.#problems.delete(index);
      this.#ready.delete(index);
    }
    if (gone.length === 0) this.#want('routes');
  }

  #beat(): void {
    if (this.#error === undefined) this.#memory.looked();
    const waitedMs = performance.now() - this.#routesEndedMs;
    if (waitedMs >= Math.max(ROUTES_MS, SPARING * this.#routesTookMs)) this.#want('routes');
  }

  #want(what: 'neighbours' | 'routes'): void {
    if (this.#wanted !== 'routes') this.#wanted = what;
    if (this.#isLooking || this.#lookTimer !== undefined || !this.#isRunning) return;
    const restMs = this.#endedMs + REST * this.#tookMs - performance.now();
    this.#lookTimer = setTimeout(() => void this.#lookAgain(), Math.max(0, restMs));
  }

  async #lookAgain(): Promise<void> {
    this.#lookTimer = undefined;
    const wanted = this.#wanted;
    this.#wanted = 'nothing';
    this.#isLooking = true;
    const startMs = performance.now();
    await this.#look(wanted === 'routes');
    this.#isLooking = false;
    this.#endedMs = performance.now();
    this.#tookMs = this.#endedMs - startMs;
    if (wanted === 'routes') {
      this.#routesEndedMs = this.#endedMs;
      this.#routesTookMs = this.#tookMs;
    }
    if (this.#wanted !== 'nothing') this.#want(this.#wanted);
  }

  /** Never rejects. */
  async #look(withRoutes: boolean): Promise<void> {
    try {
      if (withRoutes) await this.#findRoutes();
      await this.#writeAll();
      if (this.#error !== undefined) this.#log.info('the ways of frames are known again');
      this.#error = undefined;
    } catch (error) {
      const message = messageOf(error);
      const told = 'the ways of frames are not known: copies leave through raw sockets soon';
      if (message !== this.#error) this.#log.warn({ error: message }, told);
      this.#error = message;
    }
  }

  async #findRoutes(): Promise<void> {
    const { findRoutes, findHops } = this.#kernel;
    const find = (some: readonly Uint8Array[]) => {
      const hops = findHops(some);
      return findRoutes(some).map((route, i): Known => ({ route, hops: hops[i] }));
    };
    const addresses = Array.from(this.#book.paths, ({ octets }) => octets);
    for await (const [octets, known] of findInTurns(addresses, find)) {
      const path = this.#book.find(octets);
      if (path !== undefined) this.#known.set(path.index, known);
    }
  }

  async #writeAll(): Promise<void> {
    const turn = new Turn();
    const nextHops = new NextHops(this.#kernel.readLinks(), this.#kernel.readNeighbours());
    const used = new Map<string, FrameHop>();
    const before = this.#choice.links;
    for (const { index, octets } of this.#book.paths) {
      if (turn.isOver) await turn.next();
      const known = this.#known.get(index);
      if (known === undefined) continue;
      for (const hop of this.#write(index, octets, known, nextHops))
        used.set(`${hop.link.index} ${hop.octets.join('.')}`, hop);
    }
    if (!this.#isRunning) return;
    this.#memory.looked();
    const links = new Map([...used.values()].map(({ link }) => [link.index, link.name]));
    this.#choice.links = links;
    this.#stale.look(used.values());
    // Now that it is known what they have on their way.
    if ([...links.keys()].some((link) => !before?.has(link))) this.#want('neighbours');
  }

  /** @returns who gets its frames */
  #write(
    index: number,
    octets: Octets,
    { route, hops }: Known,
    nextHops: NextHops,
  ): readonly FrameHop[] {
    const way = frameWay(octets, route, hops, nextHops);
    let problem: NoPath | undefined;
    if ('problem' in way) problem = way.problem;
    else if (!way.hops.every(({ link }) => this.#choice.links?.has(link.index)))
      problem = 'not looked at';
    else problem = this.#rows.write(index, way.rows);
    if (problem !== undefined) this.#rows.clear(index);
    if (problem === undefined) {
      this.#ready.add(index);
      this.#problems.delete(index);
    } else {
      this.#ready.delete(index);
      this.#problems.set(index, problem);
    }
    return 'problem' in way || problem === 'no room' ? [] : way.hops;
  }
}
