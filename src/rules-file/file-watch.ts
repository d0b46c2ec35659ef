import { type BigIntStats, statSync } from 'node:fs';
import { messageOf } from '../base/errors.ts';

const LOOK_MS = 500;

/** A file that is written in place has to be still for so long: an editor, or `cat`, may be at it. */
const STILL_MS = 2000;

/** What tells one state of a file from another. */
export interface FileState {
  /** Why it is not there, or cannot be looked at. */
  readonly problem?: string;
  /** Of the file that links lead to. */
  readonly inode: string;
  readonly content: string;
}

/**
 * Notices that a file has changed, whatever it was changed by: another file in its place (a rename, a link that leads
 * elsewhere, as with ConfigMaps of Kubernetes), which is whole as soon as it is there, or writes in place, which may
 * go on for a while. It looks twice a second: notifications do not follow links, and miss file systems of others.
 */
export class FileWatch {
  readonly #file: string;
  readonly #onChange: () => void;
  #told: FileState;
  #last: FileState;
  #stillSinceMs = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(file: string, onChange: () => void) {
    this.#file = file;
    this.#onChange = onChange;
    this.#told = stateOf(file);
    this.#last = this.#told;
  }

  start(): void {
    this.#timer = setInterval(() => this.look(performance.now()), LOOK_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** What it is by now has been read. */
  accept(): void {
    this.#told = stateOf(this.#file);
    this.#last = this.#told;
  }

  look(nowMs: number): void {
    const state = stateOf(this.#file);
    const isMoving = !isSame(state, this.#last);
    this.#last = state;
    if (isMoving) this.#stillSinceMs = nowMs;
    if (isSame(state, this.#told)) return;
    const isAnother = state.inode !== this.#told.inode;
    if (isMoving || (!isAnother && nowMs - this.#stillSinceMs < STILL_MS)) return;
    this.#told = state;
    this.#onChange();
  }
}

function stateOf(file: string): FileState {
  try {
    return describe(statSync(file, { bigint: true }));
  } catch (error) {
    return { problem: messageOf(error), inode: '', content: '' };
  }
}

function describe({ dev, ino, size, mtimeNs, ctimeNs, mode }: BigIntStats): FileState {
  return { inode: `${dev}:${ino}`, content: `${size} ${mtimeNs} ${ctimeNs} ${mode}` };
}

function isSame(one: FileState, other: FileState): boolean {
  return (
    one.inode === other.inode && one.content === other.content && one.problem === other.problem
  );
}
