/** Handing descriptors from a process to its successor over a unix socket (native/include/sys.h). */
import { constants } from 'node:os';
import { addon } from './addon.ts';
import { check } from './system-call.ts';

const MAX_DATA_BYTES = 4096;
/** SYS_HANDOVER_DESCRIPTORS. */
const MAX_DESCRIPTORS = 32;
const SENDER_WORDS = 4;

/** What came over a handover socket, and from whom: the kernel says so, not the sender. */
export interface Handover {
  readonly data: Buffer;
  readonly descriptors: readonly number[];
  /** 0 when it is in another pid namespace, such as a container. */
  readonly pid: number;
  readonly uid: number;
  /** See processes.ts; undefined with pid 0. */
  readonly pidfd: number | undefined;
}

/**
 * A socket at a path that only this user can reach. Its name is short: the path of a unix socket has at most
 * 107 bytes.
 *
 * @throws SystemCallError
 */
export function handoverListen(path: string): number {
  return check('handoverListen', addon().handoverListen(path));
}

/**
 * Gives one client that waits data and descriptors.
 *
 * @param user who may have them, besides root
 * @returns the connection, or undefined when nobody who may have them waits
 */
export function handoverAccept(
  listener: number,
  user: number,
  data: Buffer,
  descriptors: readonly number[],
): number | undefined {
  const fds = Int32Array.from(descriptors);
  const connection = addon().handoverAccept(listener, user, data, fds);
  return connection < 0 ? undefined : connection;
}

/** Connects to a listener, without waiting. @returns undefined when nobody listens, or nobody can at the moment */
export function handoverConnect(path: string): number | undefined {
  const connection = addon().handoverConnect(path);
  return connection < 0 ? undefined : connection;
}

/**
 * Takes what handoverAccept() gives, without waiting.
 *
 * @returns undefined when nothing has come yet
 * @throws SystemCallError ECONNRESET when nothing will come, EMSGSIZE when it was too much, ESRCH when the
 *   sender has ended
 */
export function handoverReceive(connection: number): Handover | undefined {
  const data = Buffer.alloc(MAX_DATA_BYTES);
  const sender = new Int32Array(SENDER_WORDS + MAX_DESCRIPTORS);
  const result = addon().handoverReceive(connection, data, sender);
  if (result === -constants.errno.EAGAIN) return undefined;
  const bytes = check('handoverReceive', result);
  const [pid = 0, uid = -1, pidfd = -1, count = 0] = sender;
  return {
    data: data.subarray(0, bytes),
    descriptors: [...sender.subarray(SENDER_WORDS, SENDER_WORDS + count)],
    pid,
    uid: uid >>> 0,
    pidfd: pidfd < 0 ? undefined : pidfd,
  };
}
