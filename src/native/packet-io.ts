/**
 * The typed face of the native addon (native/): packet I/O and the system calls around it.
 * Contracts, units and byte orders: native/include/pio.h and pio_sys.h; sizes and offsets: layout.ts. All
 * argument checking is here.
 */

import { getSystemErrorMessage, getSystemErrorName } from 'node:util';
import { COLLECTOR } from '../table/layout.ts';
import { type Addon, addon, type PacketIoHandle } from './addon.ts';
import { checkAlignment, checkFd, checkInteger, INT32_MAX, UINT32_MAX } from './arguments.ts';
import { COPY, COUNTERS, LIMIT, PACKET, SLOT } from './layout.ts';

const MAX_MEMORY_NAME_BYTES = 249;

/** A system call that failed. The message says which function, and why. */
export class SystemCallError extends Error {
  override readonly name = 'SystemCallError';
  /** Name of the errno, such as `EADDRINUSE`. */
  readonly code: string;
  /** Positive. */
  readonly errno: number;
  /** The function of this module that failed, such as `openReceiver`. */
  readonly syscall: string;

  constructor(syscall: string, errno: number) {
    const code = getSystemErrorName(-errno);
    super(`${syscall}: ${code}: ${getSystemErrorMessage(-errno)}`);
    this.code = code;
    this.errno = errno;
    this.syscall = syscall;
  }
}

export interface PacketIoOptions {
  /** UDP socket of openReceiver. */
  readonly receiveFd: number;
  /** Raw sockets of openSender; -1 where there is none: copies for that family fail with EAFNOSUPPORT. */
  readonly sendIpv4Fd: number;
  readonly sendIpv6Fd: number;
  /** Packets that one receive() takes at most, 1 to 1024. */
  readonly batch: number;
  /** Largest payload taken whole, 1 to 65535. */
  readonly bufferBytes: number;
  /** The 12 bytes before an IPv4 source on its way to an IPv6 collector (spec R6). */
  readonly mappedPrefix: Uint8Array;
  /**
   * Whether datagrams to a broadcast or multicast address are taken: the kernel gives them to every socket of
   * a port, so that one of them has to (spec R2).
   */
  readonly takesGroup: boolean;
  /** Room for `batch` packets. */
  readonly packets: ArrayBuffer;
  /** Room for as many copies as one send() may get. */
  readonly copies: ArrayBuffer;
  /** Starts with COUNTERS.SIZE of counters; holds the slots too. */
  readonly counters: ArrayBuffer;
  readonly slotsByteOffset: number;
  readonly slotCount: number;
}

/**
 * Receives and sends batches (native/include/pio.h). The buffers given may be read and written between the
 * calls, but not resized, transferred or unmapped. Ends with its process.
 */
export class PacketIo {
  readonly #addon: Addon;
  readonly #handle: PacketIoHandle;

  /** @throws RangeError for options out of range, SystemCallError when there is no memory, or the receiver no socket */
  constructor(options: PacketIoOptions) {
    checkOptions(options);
    this.#addon = addon();
    const handle = this.#addon.create(
      options.receiveFd,
      options.sendIpv4Fd,
      options.sendIpv6Fd,
      options.batch,
      options.bufferBytes,
      Math.floor(options.copies.byteLength / COPY.SIZE),
      options.slotCount,
      options.mappedPrefix,
      options.packets,
      options.copies,
      options.counters,
      options.slotsByteOffset,
      Number(options.takesGroup),
    );
    if (typeof handle === 'number') throw new SystemCallError('PacketIo', -handle);
    this.#handle = handle;
  }

  /**
   * Takes a batch without waiting and fills packets[0..n).
   *
   * @returns n, 0 when nothing waits, or a negative errno, which is counted already
   */
  receive(): number {
    return this.#addon.receive(this.#handle);
  }

  /** Counts packets[0..packets) at their input slots and sends copies[0..copies). Arguments are not checked. */
  send(packets: number, copies: number): void {
    this.#addon.send(this.#handle, packets, copies);
  }

  /** The collectors that copies name from now on: `count` structs table_collector in the buffer. */
  setCollectors(buffer: ArrayBuffer, byteOffset: number, count: number): void {
    checkInteger('byteOffset', byteOffset, 0, buffer.byteLength);
    checkAlignment('byteOffset', byteOffset, 4);
    checkInteger('count', count, 0, Math.floor((buffer.byteLength - byteOffset) / COLLECTOR.SIZE));
    this.#addon.setCollectors(this.#handle, buffer, byteOffset, count);
  }

  /**
   * Calls back once per turn of the event loop while datagrams wait. What the callback throws is an
   * uncaught exception.
   *
   * @throws SystemCallError EALREADY when it is polling
   */
  startPolling(callback: () => void): void {
    check('startPolling', this.#addon.startPolling(this.#handle, callback));
  }

  /** Nothing is called back after this. */
  stopPolling(): void {
    this.#addon.stopPolling(this.#handle);
  }
}

export interface ReceiverOptions {
  /** Local address, 4 or 16 bytes; an IPv6 wildcard takes IPv4 too (spec R11). */
  readonly octets: Uint8Array;
  readonly port: number;
  readonly receiveBufferBytes: number;
  /** Fail with EADDRINUSE when any other socket has the port, whatever its options. */
  readonly exclusive: boolean;
}

/**
 * Opens and binds a UDP socket that shares its port (SO_REUSEPORT).
 *
 * @returns also the receive buffer that was granted, in bytes as the kernel counts them
 * @throws SystemCallError EADDRINUSE, EADDRNOTAVAIL, EACCES …
 */
export function openReceiver(options: ReceiverOptions): {
  readonly fd: number;
  readonly receiveBufferBytes: number;
} {
  const { octets, port, receiveBufferBytes, exclusive } = options;
  if (octets.length !== 4 && octets.length !== 16) {
    throw new RangeError(`octets has ${octets.length} bytes: must be 4 or 16`);
  }
  checkInteger('port', port, 0, 65535);
  checkInteger('receiveBufferBytes', receiveBufferBytes, 0, UINT32_MAX);
  const granted = new Uint32Array(1);
  const result = addon().openReceiver(octets, port, receiveBufferBytes, Number(exclusive), granted);
  return { fd: check('openReceiver', result), receiveBufferBytes: granted[0] ?? 0 };
}

/**
 * Opens a raw socket that sends packets with their headers.
 *
 * @throws SystemCallError EPERM without CAP_NET_RAW, EAFNOSUPPORT without the family
 */
export function openSender(family: 4 | 6, sendBufferBytes: number): number {
  checkInteger('sendBufferBytes', sendBufferBytes, 0, UINT32_MAX);
  return check('openSender', addon().openSender(family, sendBufferBytes));
}

/** Datagrams that the kernel dropped at a socket since it was opened, modulo 2^32. */
export function socketDrops(fd: number): number {
  return check('socketDrops', addon().socketDrops(checkFd(fd)));
}

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
 * Unmaps memory now and detaches its buffer. No PacketIo may be using it.
 *
 * @throws SystemCallError EINVAL when it is not memory of mapMemory, or unmapped already
 */
export function unmapMemory(memory: ArrayBuffer): void {
  check('unmapMemory', addon().memoryUnmap(memory));
}

/**
 * The process is killed (SIGKILL) when its parent ends. Forgotten when the process changes its user.
 *
 * @throws SystemCallError ESRCH when the parent has ended already
 */
export function dieWithParent(parentPid: number): void {
  checkInteger('parentPid', parentPid, 0, INT32_MAX);
  check('dieWithParent', addon().dieWithParent(parentPid));
}

/**
 * Gives up for good every capability of this thread and its future children but those to keep.
 *
 * @param keep a bit mask by capability number (capabilities(7)): `1n << 7n` is CAP_SETUID
 */
export function restrictPrivileges(keep: bigint): void {
  if (keep !== BigInt.asUintN(64, keep)) throw new RangeError(`keep is ${keep}: must be 64 bits`);
  check('restrictPrivileges', addon().restrictPrivileges(keep));
}

/** Loads the addon now: for a process that is about to become a user who cannot read it. */
export function loadPacketIo(): void {
  addon();
}

/**
 * Passes on what a native function returned.
 *
 * @throws SystemCallError when it is a negative errno
 */
export function check(syscall: string, result: number): number {
  if (result < 0) throw new SystemCallError(syscall, -result);
  return result;
}

function checkOptions(options: PacketIoOptions): void {
  const { packets, copies, counters, slotsByteOffset, slotCount, mappedPrefix } = options;
  checkFd(options.receiveFd);
  checkInteger('sendIpv4Fd', options.sendIpv4Fd, -1, INT32_MAX);
  checkInteger('sendIpv6Fd', options.sendIpv6Fd, -1, INT32_MAX);
  checkInteger('batch', options.batch, 1, LIMIT.BATCH);
  checkInteger('bufferBytes', options.bufferBytes, 1, LIMIT.PAYLOAD);
  checkInteger(
    'bytes of mappedPrefix',
    mappedPrefix.length,
    LIMIT.MAPPED_PREFIX,
    LIMIT.MAPPED_PREFIX,
  );
  checkInteger('slotCount', slotCount, 0, UINT32_MAX);
  checkAlignment('slotsByteOffset', slotsByteOffset, 8);
  const packetsBytes = options.batch * PACKET.SIZE;
  checkInteger('bytes of packets', packets.byteLength, packetsBytes, Number.MAX_SAFE_INTEGER);
  checkInteger('bytes of copies', copies.byteLength, 0, UINT32_MAX);
  const slotsEnd = slotsByteOffset + slotCount * SLOT.SIZE;
  checkInteger('slotsByteOffset', slotsByteOffset, COUNTERS.SIZE, slotsEnd);
  checkInteger('bytes of counters', counters.byteLength, slotsEnd, Number.MAX_SAFE_INTEGER);
}
