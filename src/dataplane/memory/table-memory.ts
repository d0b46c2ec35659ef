import { closeSync, openSync } from 'node:fs';
import { createMemory, mapMemory, resizeMemory, unmapMemory } from '../../native/memory.ts';
import type { TableReference } from '../engine.ts';

interface TableFile {
  readonly fd: number;
  /** The same memory, opened for reading: what forwarders inherit. */
  readonly readOnlyFd: number;
}

/**
 * Two memory files that take turns: forwarders read the table in force in one while the next is written to
 * the other. A file is free again when every forwarder has taken the table that followed it.
 */
export class TableMemory {
  readonly #files: readonly [TableFile, TableFile];
  #generation = 0;

  constructor() {
    this.#files = [openTableFile(0), openTableFile(1)];
  }

  get readOnlyFds(): readonly [number, number] {
    return [this.#files[0].readOnlyFd, this.#files[1].readOnlyFd];
  }

  write(table: ArrayBuffer): TableReference {
    const generation = this.#generation + 1;
    const file = generation % 2 === 0 ? 0 : 1;
    const { fd } = this.#files[file];
    resizeMemory(fd, table.byteLength);
    const memory = mapMemory(fd, table.byteLength, true);
    new Uint8Array(memory).set(new Uint8Array(table));
    unmapMemory(memory);
    this.#generation = generation;
    return { generation, file, bytes: table.byteLength };
  }

  close(): void {
    for (const { fd, readOnlyFd } of this.#files) {
      closeSync(fd);
      closeSync(readOnlyFd);
    }
  }
}

function openTableFile(index: number): TableFile {
  const fd = createMemory(`floxy-table-${index}`, 0);
  return { fd, readOnlyFd: openSync(`/proc/self/fd/${fd}`, 'r') };
}
