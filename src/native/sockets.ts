/** The proxy's sockets (native/include/sys.h). */
import { addon } from './addon.ts';
import { checkFd, checkInteger, UINT32_MAX } from './arguments.ts';
import { check } from './system-call.ts';

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
 * Of the sockets that are bound to one address and port, the one that was bound as number i gets the packets of exporters
 * whose forwarder is i of count (native/include/forwarders.h).
 *
 * @param fd any of them
 * @throws SystemCallError
 */
export function steerReceivers(fd: number, count: number): void {
  checkInteger('count', count, 1, UINT32_MAX);
  check('steerReceivers', addon().steerReceivers(checkFd(fd), count));
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

/**
 * Opens a UDP socket that sends from an address of this host, and from a port that the kernel chooses. It fragments, takes
 * nothing that is sent to it, and keeps what comes back by ICMP.
 *
 * @throws SystemCallError EAFNOSUPPORT without the family
 */
export function openOwnSender(family: 4 | 6, sendBufferBytes: number): number {
  checkInteger('sendBufferBytes', sendBufferBytes, 0, UINT32_MAX);
  return check('openOwnSender', addon().openOwnSender(family, sendBufferBytes));
}

/**
 * Opens a packet socket that sends whole Ethernet frames by any link, past its queueing discipline (packet(7)).
 *
 * @throws SystemCallError EPERM without CAP_NET_RAW, EAFNOSUPPORT where the kernel has no such sockets
 */
export function openFrameSender(sendBufferBytes: number): number {
  checkInteger('sendBufferBytes', sendBufferBytes, 0, UINT32_MAX);
  return check('openFrameSender', addon().openFrameSender(sendBufferBytes));
}

/** Datagrams that the kernel dropped at a socket since it was opened, modulo 2^32. */
export function socketDrops(fd: number): number {
  return check('socketDrops', addon().socketDrops(checkFd(fd)));
}

/** Keeps a descriptor that other code opened from programs that are started. @throws SystemCallError EBADF */
export function closeOnExec(fd: number): void {
  check('closeOnExec', addon().closeOnExec(checkFd(fd)));
}
