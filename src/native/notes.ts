/** What forwarders note of exporters and losses, in shared memory (native/include/notes.h). */
import { addon } from './addon.ts';
import { checkAlignment, checkInteger } from './arguments.ts';
import { EVENT, EXPORTER, HEADER, NOTES } from './notes-layout.ts';
import { check } from './system-call.ts';

/** Notes in a part of shared memory. */
export class Notes {
  readonly #memory: ArrayBuffer;
  readonly #byteOffset: number;
  readonly #header: Uint32Array;
  /** Where to go on reading, and the end. */
  readonly #next = new Uint32Array(2);

  /** @throws RangeError when they do not fit there */
  constructor(memory: ArrayBuffer, byteOffset: number) {
    checkInteger('byteOffset of notes', byteOffset, 8, memory.byteLength - HEADER.SIZE);
    checkAlignment('byteOffset of notes', byteOffset, 8);
    this.#memory = memory;
    this.#byteOffset = byteOffset;
    this.#header = new Uint32Array(memory, byteOffset, HEADER.FORGOTTEN_COPIES + 2);
  }

  /** Only by who alone writes them. They begin anew when there are none yet, or of another layout. */
  open(): void {
    const now = Math.floor(Date.now() / 1000);
    check('notesOpen', addon().notesOpen(this.#memory, this.#byteOffset, now));
  }

  /** Whether there are any that can be read. */
  get isOpen(): boolean {
    return this.#header[HEADER.LAYOUT] === NOTES.LAYOUT;
  }

  /** When they began: seconds since 1970. */
  get sinceSeconds(): number {
    return this.#header[HEADER.SINCE_S] ?? 0;
  }

  /** @param word one of HEADER: a counter of 64 bits */
  counter(word: number): bigint {
    const low = BigInt(this.#header[word] ?? 0);
    return (BigInt(this.#header[word + 1] ?? 0) << 32n) | low;
  }

  /** Only by who alone writes them: adds what nobody writes to any more. */
  absorb(other: Notes): void {
    addon().notesAbsorb(this.#memory, this.#byteOffset, other.#memory, other.#byteOffset);
  }

  /**
   * Copies rows that are in use, while they are written to.
   *
   * @param from the row to begin with, or `next` of the call before
   * @param end the row before which to end: then `next` is this
   * @param rows gets them, EXPORTER.SIZE bytes each (and so those of LOSS)
   */
  read(
    from: number,
    end: number,
    rows: Uint8Array,
  ): { readonly count: number; readonly next: number } {
    checkInteger('end', end, 0, NOTES.ROWS);
    checkInteger('row', from, 0, end);
    checkAlignment('bytes of rows', rows.byteLength, EXPORTER.SIZE);
    this.#next.set([from, end]);
    const count = addon().notesRead(this.#memory, this.#byteOffset, this.#next, rows);
    return { count, next: this.#next[0] ?? end };
  }

  /**
   * Copies the latest events, oldest first.
   *
   * @param after the number of the last one that is known
   * @param events gets them, EVENT.SIZE bytes each; room for NOTES.EVENTS
   */
  readEvents(after: number, events: Uint8Array): number {
    checkInteger('number of an event', after, 0, Number.MAX_SAFE_INTEGER);
    const bytes = NOTES.EVENTS * EVENT.SIZE;
    checkInteger('bytes of events', events.byteLength, bytes, Number.MAX_SAFE_INTEGER);
    return addon().notesReadEvents(this.#memory, this.#byteOffset, after, events);
  }
}
