import { check } from './system-call.ts';

const USUAL_ITEMS = 256;

/**
 * Reads a list whose length is known when it has been read.
 *
 * @param read puts as many items as there is room for, and returns how many there are, or a negative errno
 * @returns the items
 * @throws SystemCallError
 */
export function readList(
  name: string,
  itemBytes: number,
  read: (bytes: Uint8Array) => number,
): Uint8Array {
  let room = USUAL_ITEMS;
  for (;;) {
    const bytes = new Uint8Array(room * itemBytes);
    const count = check(name, read(bytes));
    if (count <= room) return bytes.subarray(0, count * itemBytes);
    room = count * 2;
  }
}
