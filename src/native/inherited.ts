/** What descriptors are that another process handed over, and how to part from them. */
import { addon } from './addon.ts';
import { checkFd } from './arguments.ts';
import { check } from './system-call.ts';

/** Numbers of socket(2) that this program uses. */
export const SOCKET = {
  IPV4: 2,
  IPV6: 10,
  DATAGRAM: 2,
  UDP: 17,
} as const;

/** Seals of shared memory (fcntl(2)). */
export const SEAL = { SEAL: 1, SHRINK: 2, GROW: 4, WRITE: 8, FUTURE_WRITE: 16 } as const;

export interface SocketDescription {
  readonly domain: number;
  readonly type: number;
  readonly protocol: number;
  /** What was granted, in bytes as the kernel counts them. */
  readonly receiveBufferBytes: number;
  /** Where it is bound, 4 or 16 bytes; none for other domains. */
  readonly octets: Uint8Array;
  readonly port: number;
}

/** @throws SystemCallError ENOTSOCK when it is no socket */
export function describeSocket(fd: number): SocketDescription {
  const numbers = new Uint32Array(6);
  const address = new Uint8Array(16);
  check('describeSocket', addon().socketDescribe(checkFd(fd), numbers, address));
  const [domain = 0, type = 0, protocol = 0, receiveBufferBytes = 0, port = 0, bytes = 0] = numbers;
  return { domain, type, protocol, receiveBufferBytes, port, octets: address.slice(0, bytes) };
}

/**
 * A socket that shares its port gets no more packets, which go to the others, and keeps those that wait. It
 * is connected to the discard port of its own address: the kernel passes over connected sockets.
 *
 * @throws SystemCallError when its address is not there any more
 */
export function cutOffSocket(fd: number): void {
  check('cutOffSocket', addon().socketCutOff(checkFd(fd)));
}

/** Seals of shared memory, bits of SEAL. @throws SystemCallError EINVAL when it is no such memory */
export function memorySeals(fd: number): number {
  return check('memorySeals', addon().memorySeals(checkFd(fd)));
}
