import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { canonicalOctets } from '../../../model/address.ts';
import { type PcapDatagram, pcapFileHeader, pcapRecord } from '../../../model/pcap.ts';
import { octetsOf } from '../../model/address-octets.ts';
import type { Packets } from '../../model/packets.ts';

const MAX_FILES = 32;
const MAX_BYTES = 4 * 1024 * 1024;
/** What an IPv4 packet can have at most. */
const MAX_PAYLOAD = 65_535 - 28;
/** Where it was sent is not known. */
const LOOPBACK4 = Uint8Array.of(127, 0, 0, 1);
const LOOPBACK6 = Uint8Array.from({ length: 16 }, (_, i) => (i === 15 ? 1 : 0));

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
    const record = Buffer.concat([pcapFileHeader(), pcapRecord(datagramOf(packets, index))]);
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

function datagramOf(packets: Packets, index: number): PcapDatagram {
  const at = packets.offsets[index] as number;
  const length = Math.min(packets.lengths[index] as number, MAX_PAYLOAD);
  const source = canonicalOctets(octetsOf(packets.sources.subarray(index * 4, index * 4 + 4)));
  return {
    source,
    sourcePort: packets.ports[index] as number,
    destination: source.length === 4 ? LOOPBACK4 : LOOPBACK6,
    destinationPort: packets.listenPorts[index] as number,
    receivedUs: Math.floor((packets.receivedMs[index] as number) * 1000),
    payload: packets.bytes.subarray(at, at + length),
    isTruncated: false,
  };
}
