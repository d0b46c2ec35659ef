import { stat } from 'node:fs/promises';

/** What SQLite keeps beside the file. */
const SUFFIXES = ['', '-wal', '-shm'];

/** How large a database is, without waiting for its disk, which may hang: as it was at the look before. */
export class DatabaseSize {
  readonly #path: string;
  #bytes: number | undefined;
  #isLooking = false;

  constructor(path: string) {
    this.#path = path;
  }

  /** Bytes; undefined when there is no file, and until the first look has been taken. */
  read(): number | undefined {
    void this.look();
    return this.#bytes;
  }

  /** Never rejects; one look at a time. */
  async look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    const sizes = await Promise.all(SUFFIXES.map((suffix) => sizeOf(this.#path + suffix)));
    this.#bytes =
      sizes[0] === undefined ? undefined : sizes.reduce<number>((a, b) => a + (b ?? 0), 0);
    this.#isLooking = false;
  }
}

async function sizeOf(file: string): Promise<number | undefined> {
  return await stat(file).then(
    ({ size }) => size,
    () => undefined,
  );
}
