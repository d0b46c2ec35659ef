/** Memory of lossy rings of packets, and of what their readers keep (native/include/ring.h). */
import { closeSync, fchmodSync, fstatSync, openSync } from 'node:fs';
import { addon } from './addon.ts';
import { checkInteger } from './arguments.ts';
import { createMemory, mapMemory, sealMemory, unmapMemory } from './memory.ts';
import { READER_STATE, RING } from './ring-layout.ts';
import { check } from './system-call.ts';

/** Ids of rings are safe integers. */
const MAX_ID = 2 ** 48;

/**
 * Makes an empty ring in shared memory, which takes room only as it is written for the first time.
 *
 * @param bytes of records: a power of two from 1 MiB to 1 GiB
 * @returns a file descriptor; nobody can make the memory shorter
 * @throws RangeError
 */
export function createRing(name: string, bytes: number): number {
  checkInteger('bytes', bytes, RING.BYTES_MIN, RING.BYTES_MAX);
  if ((bytes & (bytes - 1)) !== 0)
    throw new RangeError(`bytes is ${bytes}: must be a power of two`);
  const fd = createMemory(name, RING.DATA + bytes);
  const memory = mapMemory(fd, RING.DATA + bytes, true);
  check('createRing', addon().ringInit(memory, Math.floor(Math.random() * MAX_ID)));
  unmapMemory(memory);
  return sealed(fd);
}

/** Of createReaderStates(). */
export const READER_STATES_BYTES = RING.PIPELINES * RING.SHARDS * READER_STATE.SIZE;

/** Makes memory for what the readers of one ring keep: one state for each shard of each pipeline. */
export function createReaderStates(name: string): number {
  return sealed(createMemory(name, READER_STATES_BYTES));
}

/** Where the state of a reader is in the memory of createReaderStates, in bytes. */
export function readerStateAt(pipeline: number, shard: number): number {
  checkInteger('pipeline', pipeline, 0, RING.PIPELINES - 1);
  checkInteger('shard', shard, 0, RING.SHARDS - 1);
  return (pipeline * RING.SHARDS + shard) * READER_STATE.SIZE;
}

/** Another descriptor of the memory, by which it can be read but not written: for those who only read. */
export function readOnly(fd: number): number {
  return openSync(`/proc/self/fd/${fd}`, 'r');
}

/** Maps the whole of a ring, or of the states of its readers. */
export function mapAll(fd: number, isWritable: boolean): ArrayBuffer {
  return mapMemory(fd, fstatSync(fd).size, isWritable);
}

/** How many bytes of records a ring holds; 0 when the descriptor is of none that this version knows. */
export function ringBytes(fd: number): number {
  if (fstatSync(fd).size < RING.DATA + RING.BYTES_MIN) return 0;
  const memory = mapAll(fd, false);
  const bytes = addon().ringBytes(memory);
  unmapMemory(memory);
  return bytes;
}

/** How many records were ever published in a ring: the sequence of the one to come. */
export function ringSequence(memory: ArrayBuffer): number {
  return addon().ringSequence(memory);
}

/**
 * Which of 256 slots an exporter is in: shards are told by slot (RingReader).
 *
 * @param octets its address, 16 bytes, IPv4 as ::ffff:a.b.c.d
 */
export function ringSlot(octets: Uint8Array): number {
  checkInteger('bytes of octets', octets.length, 16, 16);
  return addon().ringSlot(octets);
}

/** Another user than its owner cannot open it anew by what it inherited. */
function sealed(fd: number): number {
  try {
    fchmodSync(fd, 0o600);
    sealMemory(fd, false);
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}
