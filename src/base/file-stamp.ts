import { statSync } from 'node:fs';

/**
 * What changes when a file is written or replaced: its place on the disk, its size and its times.
 *
 * @returns the error's code, such as `ENOENT`, for a file that cannot be looked at
 */
export function fileStamp(file: string): string {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = statSync(file, { bigint: true });
    return [dev, ino, size, mtimeNs, ctimeNs].join(':');
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code);
  }
}
