import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Packets } from '../../model/packets.ts';
import { pcapHeader, pcapRecord } from './pcap.ts';

const MAX_FILES = 32;
const MAX_BYTES = 4 * 1024 * 1024;

/**
 * Keeps datagrams at which a decoder failed, one capture file each, for the report to its makers. Bounded: when there is
 * no room the oldest ones stay, which began it.
 */
export class CrashFolder {
  readonly #folder: string;
  readonly #prefix: string;
  #serial = 0;

  constructor(folder: string, prefix: string) {
    this.#folder = folder;
    this.#prefix = prefix;
  }

  /**
   * @returns the file, or undefined when there is no room
   * @throws Error when it cannot be written
   */
  keep(packets: Packets, index: number): string | undefined {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    const record = Buffer.concat([pcapHeader(), pcapRecord(packets, index)]);
    if (!this.#hasRoom(record.length)) return undefined;
    const name = `${this.#prefix}-${Date.now()}-${this.#serial++}.pcap`;
    const file = path.join(this.#folder, name);
    writeFileSync(file, record, { mode: 0o600, flag: 'wx' });
    return file;
  }

  #hasRoom(bytes: number): boolean {
    const files = readdirSync(this.#folder).filter((name) => name.endsWith('.pcap'));
    if (files.length >= MAX_FILES) return false;
    const sizes = files.map((name) => statSync(path.join(this.#folder, name)).size);
    return sizes.reduce((sum, size) => sum + size, bytes) <= MAX_BYTES;
  }
}
