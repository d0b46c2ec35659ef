/** What native functions return, and the errors that are made of it. */
import { getSystemErrorMessage, getSystemErrorName } from 'node:util';

/** A system call that failed. The message says which function, and why. */
export class SystemCallError extends Error {
  override readonly name = 'SystemCallError';
  /** Name of the errno, such as `EADDRINUSE`. */
  readonly code: string;
  /** Positive. */
  readonly errno: number;
  /** The function of src/native that failed, such as `openReceiver`. */
  readonly syscall: string;

  constructor(syscall: string, errno: number) {
    const code = getSystemErrorName(-errno);
    super(`${syscall}: ${code}: ${getSystemErrorMessage(-errno)}`);
    this.code = code;
    this.errno = errno;
    this.syscall = syscall;
  }
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
