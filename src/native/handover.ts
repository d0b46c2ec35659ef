/** Handing descriptors from a process to its successor over a unix socket (native/include/pio_sys.h). */
import { addon } from './addon.ts';
import { check } from './system-call.ts';

const MAX_DATA_BYTES = 4096;
const MAX_DESCRIPTORS = 16;

/** What came over a handover socket. */
export interface Handover {
  readonly connection: number;
  readonly data: Buffer;
  readonly descriptors: readonly number[];
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

/** Takes what handoverAccept() gives. @returns undefined when nothing came in time, or nobody listens */
export function handoverConnect(path: string, waitMs: number): Handover | undefined {
  const data = Buffer.alloc(MAX_DATA_BYTES);
  const fds = new Int32Array(MAX_DESCRIPTORS);
  const lengths = new Uint32Array(2);
  const connection = addon().handoverConnect(path, waitMs, data, fds, lengths);
  if (connection < 0) return undefined;
  return {
    connection,
    data: data.subarray(0, lengths[0]),
    descriptors: [...fds.subarray(0, lengths[1])],
  };
}
