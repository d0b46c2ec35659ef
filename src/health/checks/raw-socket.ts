/** ICMP sockets of the npm package raw-socket, which has no types of its own and loads only in the main thread. */
import { readdirSync, readlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { closeOnExec } from '../../native/sockets.ts';

/** What is used of it (its README.md, and index.js). */
export interface RawSocket {
  send(
    buffer: Buffer,
    offset: number,
    length: number,
    address: string,
    sent: (error: Error | null, bytes: number) => void,
  ): void;
  /** Has one message read, if there is one: `message`; otherwise `error`, with the text of EAGAIN. */
  onRecvReady(): void;
  pauseRecv(): void;
  setOption(level: number, option: number, value: Buffer, length: number): void;
  close(): void;
  on(event: 'message', listener: (buffer: Buffer, source: string) => void): void;
  on(event: 'error', listener: (error: Error) => void): void;
}

interface Package {
  createSocket(options: { addressFamily: number; protocol: number; bufferSize: number }): RawSocket;
  createChecksum(buffer: Buffer): number;
  writeChecksum(buffer: Buffer, offset: number, checksum: number): Buffer;
}

/** Its AddressFamily, and IPPROTO_ICMP and IPPROTO_ICMPV6. */
const FAMILIES = {
  4: { addressFamily: 1, protocol: 1 },
  6: { addressFamily: 2, protocol: 58 },
} as const;

/** linux/icmp.h, linux/icmpv6.h, asm-generic/socket.h. */
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
const SO_RCVBUFFORCE = 33;
const SOL_RAW = 255;
const ICMP_FILTER = 1;
const SOL_ICMPV6 = 58;
const ICMPV6_FILTER = 1;

const ECHO_REPLY_IPV4 = 0;
const ECHO_REPLY_IPV6 = 129;
/** An IPv4 header at its longest, and more than an answer of ours has. */
const MESSAGE_BYTES = 256;
/** A few thousand answers wait here while the process is at something else. */
const RECEIVE_BUFFER_BYTES = 4 << 20;

let loaded: Package | undefined;

/** @throws Error when it is not there, or was not built for this Node */
function load(): Package {
  loaded ??= createRequire(import.meta.url)('raw-socket') as Package;
  return loaded;
}

/**
 * Opens a socket that gets answers to echo requests, whoever asked; they wait until they are read.
 *
 * @throws Error in the words of the C library, such as `Operation not permitted` without CAP_NET_RAW
 */
export function openEchoSocket(family: 4 | 6): RawSocket {
  const socket = openIcmpSocket(family, [family === 4 ? ECHO_REPLY_IPV4 : ECHO_REPLY_IPV6]);
  const bytes = words([RECEIVE_BUFFER_BYTES]);
  try {
    socket.setOption(SOL_SOCKET, SO_RCVBUFFORCE, bytes, 4);
  } catch {
    // Without CAP_NET_ADMIN: so much as net.core.rmem_max allows.
    socket.setOption(SOL_SOCKET, SO_RCVBUF, bytes, 4);
  }
  return socket;
}

/** Opens one that only sends. @throws Error as openEchoSocket() */
export function openAskingSocket(family: 4 | 6): RawSocket {
  return openIcmpSocket(family, []);
}

/** @param types of messages that it gets */
function openIcmpSocket(family: 4 | 6, types: readonly number[]): RawSocket {
  const { createSocket } = load();
  const before = new Set(socketFds());
  const socket = createSocket({ ...FAMILIES[family], bufferSize: MESSAGE_BYTES });
  // The package leaves it open to every program that is started, as whatever user.
  for (const fd of socketFds()) if (!before.has(fd)) closeOnExec(fd);
  socket.pauseRecv();
  const mask = allTypesBut(types);
  // IPv4 has one word for it (raw(7)).
  if (family === 4) socket.setOption(SOL_RAW, ICMP_FILTER, mask.subarray(0, 4), 4);
  else socket.setOption(SOL_ICMPV6, ICMPV6_FILTER, mask, 32);
  return socket;
}

/** Writes the checksum of an ICMP message (RFC 1071); that of ICMPv6 is the kernel's (RFC 3542, 3.1). */
export function writeIcmpChecksum(message: Buffer): void {
  const { createChecksum, writeChecksum } = load();
  writeChecksum(message, 2, createChecksum(message));
}

function allTypesBut(types: readonly number[]): Buffer {
  const mask = new Int32Array(8).fill(-1);
  for (const type of types) mask[type >> 5] = (mask[type >> 5] ?? 0) & ~(1 << (type & 31));
  return words([...mask]);
}

/** As C has them. */
function words(values: readonly number[]): Buffer {
  return Buffer.from(Int32Array.from(values).buffer);
}

function socketFds(): number[] {
  return readdirSync('/proc/self/fd').map(Number).filter(isSocket);
}

function isSocket(fd: number): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`).startsWith('socket:');
  } catch {
    // That of the folder itself, which is closed by now.
    return false;
  }
}
