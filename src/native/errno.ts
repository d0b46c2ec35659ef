import { getSystemErrorName } from 'node:util';

/** The symbolic name of an errno, such as `ENETUNREACH`. */
export function errnoName(errno: number): string {
  try {
    return getSystemErrorName(-errno);
  } catch {
    return `errno ${errno}`;
  }
}
