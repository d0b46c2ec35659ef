/** Memory that processes share (native/include/sys.h). */
import { addon } from './addon.ts';
import { checkFd, checkInteger } from './arguments.ts';
import { check, SystemCallError } from './system-call.ts';

const MAX_MEMORY_NAME_BYTES = 249;

/**
 * Makes shared memory without a name in the file system: zeros, which take no room until written.
 *
 * @param name shown in /proc only, at most 249 bytes
 * @returns a file descriptor
 */
export function createMemory(name: string, bytes: number): number {
  checkInteger('bytes of name', Buffer.byteLength(name), 0, MAX_MEMORY_NAME_BYTES);
  checkInteger('bytes', bytes, 0, Number.MAX_SAFE_INTEGER);
  return check('createMemory', addon().memoryCreate(name, bytes));
}

/** Grows or shrinks shared memory. To touch a mapping beyond its end kills the process (SIGBUS). */
export function resizeMemory(fd: number, bytes: number): void {
  checkInteger('bytes', bytes, 0, Number.MAX_SAFE_INTEGER);
  check('resizeMemory', addon().memoryResize(checkFd(fd), bytes));
}

/**
 * Takes from everybody who has the memory, however it is open, the means to make it shorter, and so to kill
 * who has mapped it. Cannot be undone.
 *
 * @param againstWriting nor can anybody write to it any more, or map it so; what is mapped already can be
 *   written to
 * @throws SystemCallError EPERM when it is sealed already
 */
export function sealMemory(fd: number, againstWriting: boolean): void {
  check('sealMemory', addon().memorySeal(checkFd(fd), Number(againstWriting)));
}

/**
 * Maps the first bytes of shared memory. Unmapped when collected, or by unmapMemory.
 *
 * @param isWritable to write to memory mapped without it kills the process (SIGSEGV)
 */
export function mapMemory(fd: number, bytes: number, isWritable: boolean): ArrayBuffer {
  checkInteger('bytes', bytes, 1, Number.MAX_SAFE_INTEGER);
  const memory = addon().memoryMap(checkFd(fd), bytes, Number(isWritable));
  if (typeof memory === 'number') throw new SystemCallError('mapMemory', -memory);
  return memory;
}

/**
 * Unmaps memory now and detaches its buffer. No receiver or sender may be using it.
 *
 * @throws SystemCallError EINVAL when it is not memory of mapMemory, or unmapped already
 */
export function unmapMemory(memory: ArrayBuffer): void {
  check('unmapMemory', addon().memoryUnmap(memory));
}
