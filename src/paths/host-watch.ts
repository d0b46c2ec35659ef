import { readFile } from 'node:fs/promises';
import type { Announcements } from '../native/announcements.ts';
import { SystemCallError } from '../native/system-call.ts';
import { loadedModules } from './loaded-modules.ts';
import type { Watched, Way } from './obstacle.ts';

/** With what the kernel answers when it has no such part: no sockets of the kind, or nobody behind them. */
const ABSENT: ReadonlySet<string> = new Set(['EPROTONOSUPPORT', 'EINVAL', 'ENOENT', 'EOPNOTSUPP']);

/** A part of the kernel that may do something with packets. */
export interface HostWatchParts<Event> {
  readonly name: string;
  /** What it has when it does something: `rules`. */
  readonly has: string;
  /** Has it announced what changes from now on. @throws SystemCallError */
  readonly watch: () => Announcements<Event>;
  /** Looks at all that there is. @throws SystemCallError */
  readonly list: () => void;
  readonly take: (events: readonly Event[]) => void;
  /** In words; undefined when it does nothing on this way. */
  readonly obstacle: (way: Way) => string | undefined;
  /** Of which at least one is in the kernel where the part is, as /proc/kallsyms has them. */
  readonly functions: readonly string[];
  /** As which it may be loaded: at the beginning of a line of /proc/modules. */
  readonly modules: RegExp;
}

/** What a part of the kernel does on one way. */
export interface WatchedWay extends Watched {
  /** Whether it could be asked. */
  isKnown(): boolean;
}

/**
 * Whether a part of the kernel does something with packets. To ask needs CAP_NET_ADMIN, which control has when it starts,
 * if at all; from then on it is told of every change. It is asked once for all ways.
 */
export class HostWatch<Event> {
  readonly #parts: HostWatchParts<Event>;
  #announcements: Announcements<Event> | undefined;
  /** Why nothing is known of it. */
  #unknown: string | undefined;
  /** The kernel had no such part when it was looked for. */
  #isAbsent = false;
  #isOpen = false;
  readonly #listeners = new Set<() => void>();
  #started: Promise<void> | undefined;

  constructor(parts: HostWatchParts<Event>) {
    this.#parts = parts;
    this.#unknown = this.#notKnown('', 'only who starts with CAP_NET_ADMIN may ask');
  }

  on(way: Way): WatchedWay {
    let listener: (() => void) | undefined;
    return {
      open: () => this.#open(),
      start: (onChange) => {
        listener = () => onChange();
        return this.#start(listener);
      },
      stop: () => this.#stop(listener),
      obstacle: () => this.#obstacle(way),
      isKnown: () => this.#isKnown(),
    };
  }

  #open(): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    try {
      this.#announcements = this.#parts.watch();
      this.#parts.list();
      this.#unknown = undefined;
    } catch (error) {
      if (!(error instanceof SystemCallError)) throw error;
      // When it comes later, it announces what it has.
      if (ABSENT.has(error.code)) this.#unknown = undefined;
    }
  }

  #start(listener: () => void): Promise<void> {
    this.#listeners.add(listener);
    this.#started ??= this.#begin();
    return this.#started;
  }

  async #begin(): Promise<void> {
    this.#announcements?.start(() => this.#take());
    if (this.#unknown === undefined || (await isInKernel(this.#parts.functions))) return;
    this.#isAbsent = true;
    this.#tell();
  }

  /** The last one ends it. */
  #stop(listener: (() => void) | undefined): void {
    if (listener !== undefined) this.#listeners.delete(listener);
    if (this.#listeners.size > 0) return;
    this.#announcements?.close();
    this.#announcements = undefined;
  }

  #isKnown(): boolean {
    const isStillAbsent = this.#isAbsent && !this.#parts.modules.test(loadedModules());
    return this.#unknown === undefined || isStillAbsent;
  }

  #obstacle(way: Way): string | undefined {
    return this.#isKnown() ? this.#parts.obstacle(way) : this.#unknown;
  }

  #notKnown(since: string, reason: string): string {
    const { name, has } = this.#parts;
    return `whether ${name} has ${has} is not known${since}: ${reason}`;
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }

  #take(): void {
    try {
      this.#parts.take(this.#announcements?.take() ?? []);
    } catch {
      this.#listAgain();
    }
    this.#tell();
  }

  #listAgain(): void {
    try {
      this.#parts.list();
    } catch {
      const reason = 'much has changed at once, and a restart asks anew';
      this.#unknown = this.#notKnown(' any more', reason);
    }
  }
}

/** The list of the kernel's functions is long: a tenth of a second, once, in another thread. */
async function isInKernel(functions: readonly string[]): Promise<boolean> {
  try {
    const known = await readFile('/proc/kallsyms');
    return functions.some((name) => known.includes(` ${name}`));
  } catch {
    return true;
  }
}
