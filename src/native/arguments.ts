/** Checks of what goes to native code, which checks nothing itself. */

export const INT32_MAX = 0x7fff_ffff;
export const UINT32_MAX = 0xffff_ffff;

/** @throws RangeError that names the argument, unless value is an integer from min to max */
export function checkInteger(name: string, value: number, min: number, max: number): void {
  if (Number.isInteger(value) && value >= min && value <= max) return;
  throw new RangeError(`${name} is ${value}: must be an integer from ${min} to ${max}`);
}

/** @throws RangeError that names the argument, unless value is a multiple of bytes */
export function checkAlignment(name: string, value: number, bytes: number): void {
  if (value % bytes !== 0)
    throw new RangeError(`${name} is ${value}: must be a multiple of ${bytes}`);
}

/** @throws RangeError unless fd can be a file descriptor */
export function checkFd(fd: number): number {
  checkInteger('fd', fd, 0, INT32_MAX);
  return fd;
}
