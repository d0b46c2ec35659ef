import { closeSync, openSync } from 'node:fs';
import { FloxyError } from '../../base/errors.ts';
import { createMemory, mapMemory, sealMemory, unmapMemory } from '../../native/memory.ts';
import { compile, type TableContent } from '../../table/compile.ts';
import type { TableEdit, TableEditor } from '../../table/table-editor.ts';
import { TouchedWords } from '../../table/touched-words.ts';
import type { TableReference } from '../engine.ts';

/**
 * Twice what the largest rule set allowed takes. Files are sparse: only what was written takes room, and
 * keeps it.
 */
const CAPACITY_WORDS = 2 ** 28;

interface TableFile {
  /** Opened for reading: what forwarders inherit. */
  readonly readOnlyFd: number;
  /** Mapped before the file was sealed: nobody else can write to it. */
  readonly memory: ArrayBuffer;
  readonly words: Int32Array;
  /** What of the table in force is not in it yet; undefined: all. */
  missing: TouchedWords | undefined;
}

/**
 * The forwarding table in two memory files that take turns: forwarders read the table in force in one while
 * the next is written to the other. A file is free again when every forwarder has taken the table that
 * followed it. A small change is written as such: the other file gets what was written last time, and the
 * change.
 */
export class TableMemory {
  readonly #listenPort: number;
  readonly #files: readonly [TableFile, TableFile] = [openTableFile(0), openTableFile(1)];
  #generation = 0;
  #bytes = 0;
  /** Undefined when there is no table to be edited. */
  #editor: TableEditor | undefined;

  /** @param listenPort what stands in for the port of arrival, where collectors have none (spec R5) */
  constructor(listenPort: number) {
    this.#listenPort = listenPort;
  }

  get readOnlyFds(): readonly [number, number] {
    return [this.#files[0].readOnlyFd, this.#files[1].readOnlyFd];
  }

  /** Writes a whole table. Lets the process do other things in between; one call at a time. */
  async make(content: TableContent): Promise<TableReference> {
    this.#editor = undefined;
    const { next, file } = this.#next();
    const provide = (words: number) => {
      if (words > CAPACITY_WORDS)
        throw new FloxyError(
          'LIMIT_EXCEEDED',
          `the forwarding table would have ${words * 4} bytes`,
        );
      this.#bytes = words * 4;
      return file.words.subarray(0, words);
    };
    this.#editor = await compile(content, { listenPort: this.#listenPort, provide });
    return this.#written(next, undefined);
  }

  /**
   * Writes a table that differs a little from the last one. Lets the process do other things in between; one
   * call at a time.
   *
   * @returns undefined when it has to be made anew
   */
  async edit(edit: TableEdit): Promise<TableReference | undefined> {
    const editor = this.#editor;
    if (editor === undefined) return undefined;
    this.#editor = undefined;
    const { next, file, last } = this.#next();
    const old = last.words.subarray(0, this.#bytes / 4);
    const words = file.words.subarray(0, this.#bytes / 4);
    (file.missing ?? editor.wordsInUse(old)).copy(old, words);
    const touched = await editor.edit(words, edit);
    if (touched === undefined) return undefined;
    this.#editor = editor;
    return this.#written(next, touched);
  }

  close(): void {
    for (const { memory, readOnlyFd } of this.#files) {
      unmapMemory(memory);
      closeSync(readOnlyFd);
    }
  }

  /** The next generation, the file that it goes to, and the file that has the last one. */
  #next() {
    const next = this.#generation + 1;
    const [even, odd] = this.#files;
    return next % 2 === 0 ? { next, file: even, last: odd } : { next, file: odd, last: even };
  }

  /** @param touched what the other file lacks now */
  #written(generation: number, touched: TouchedWords | undefined): TableReference {
    const file = generation % 2 === 0 ? 0 : 1;
    this.#generation = generation;
    this.#files[file].missing = new TouchedWords();
    this.#files[(1 - file) as 0 | 1].missing = touched;
    return { generation, file, bytes: this.#bytes };
  }
}

function openTableFile(index: number): TableFile {
  const bytes = CAPACITY_WORDS * 4;
  const fd = createMemory(`floxy-table-${index}`, bytes);
  const memory = mapMemory(fd, bytes, true);
  const readOnlyFd = openSync(`/proc/self/fd/${fd}`, 'r');
  sealMemory(fd, true);
  closeSync(fd);
  return { readOnlyFd, memory, words: new Int32Array(memory), missing: undefined };
}
