import { readFile } from 'node:fs/promises';
import type { Announcements } from '../native/announcements.ts';
import { SystemCallError } from '../native/system-call.ts';
import { loadedModules } from './loaded-modules.ts';

/** With what the kernel answers when it has no such part: no sockets of the kind, or nobody behind them. */
const ABSENT: ReadonlySet<string> = new Set(['EPROTONOSUPPORT', 'EINVAL', 'ENOENT', 'EOPNOTSUPP']);

/** A part of the kernel that may do something with output. */
export interface OutputWatchParts<Event> {
  /** What is asked: `whether nftables has output rules`. */
  readonly question: string;
  /** Has it announced what changes from now on. @throws SystemCallError */
  readonly watch: () => Announcements<Event>;
  /** Looks at all that there is. @throws SystemCallError */
  readonly list: () => void;
  readonly take: (events: readonly Event[]) => void;
  /** In words; undefined when it does nothing. */
  readonly obstacle: () => string | undefined;
  /** Of which at least one is in the kernel where the part is, as /proc/kallsyms has them. */
  readonly functions: readonly string[];
  /** As which it may be loaded: at the beginning of a line of /proc/modules. */
  readonly modules: RegExp;
}

/**
 * Whether a part of the kernel does something with output. To ask needs CAP_NET_ADMIN, which control has when it starts, if
 * at all; from then on it is told of every change.
 */
export class OutputWatch<Event> {
  readonly #parts: OutputWatchParts<Event>;
  #announcements: Announcements<Event> | undefined;
  /** Why nothing is known of it. */
  #unknown: string | undefined;
  /** The kernel had no such part when it was looked for. */
  #isAbsent = false;
  #onChange: () => void = () => undefined;

  constructor(parts: OutputWatchParts<Event>) {
    this.#parts = parts;
    this.#unknown = `${parts.question} is not known: only who starts with CAP_NET_ADMIN may ask`;
  }

  /** While this process may: later it has given up the capability. */
  open(): void {
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

  /** @param onChange is called when something has changed */
  async start(onChange: () => void): Promise<void> {
    this.#onChange = onChange;
    this.#announcements?.start(() => this.#take());
    if (this.#unknown === undefined || (await isInKernel(this.#parts.functions))) return;
    this.#isAbsent = true;
    onChange();
  }

  stop(): void {
    this.#announcements?.close();
    this.#announcements = undefined;
  }

  /** Whether it could be asked. */
  get isKnown(): boolean {
    const isStillAbsent = this.#isAbsent && !this.#parts.modules.test(loadedModules());
    return this.#unknown === undefined || isStillAbsent;
  }

  /** What is in the way of frames, or why that is not known; undefined when nothing is. */
  obstacle(): string | undefined {
    return this.isKnown ? this.#parts.obstacle() : this.#unknown;
  }

  #take(): void {
    try {
      this.#parts.take(this.#announcements?.take() ?? []);
    } catch {
      this.#listAgain();
    }
    this.#onChange();
  }

  #listAgain(): void {
    try {
      this.#parts.list();
    } catch {
      this.#unknown = `${this.#parts.question} is not known any more, as much has changed at once: a restart asks anew`;
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
