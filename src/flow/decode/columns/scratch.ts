import type { ColumnKind } from '../../model/columns.ts';
import type { ColumnMemory, WordPairs } from '../../model/flow-batch.ts';
import { addressesWhereZero, numbersWhereZero, pairsWhereZero } from './derived.ts';
import type { Kernel } from './kernels.ts';

/** Makes the kernel of a field for memory of its column, or for other memory of the same kind. */
export type KernelMaker<K extends ColumnKind> = (out: ColumnMemory[K]) => Kernel | undefined;

type NumberMemory = ColumnMemory['u8' | 'u16' | 'u32' | 'time'];

/** Memory, as large as a batch, for values that go into a column only where it has none. */
export class Scratch {
  /** Numbers of 16 bits, for who needs them in steps. */
  readonly u16: Uint16Array;
  readonly #numbers: Pick<ColumnMemory, 'u8' | 'u16' | 'u32' | 'time'>;
  readonly #addresses: Uint32Array;
  readonly #pairs: WordPairs;

  /** @param rows of the batch */
  constructor(rows: number) {
    this.u16 = new Uint16Array(rows);
    this.#numbers = {
      u8: new Uint8Array(rows),
      u16: this.u16,
      u32: new Uint32Array(rows),
      time: new Float64Array(rows),
    };
    this.#addresses = new Uint32Array(rows * 4);
    this.#pairs = { high: new Uint32Array(rows), low: new Uint32Array(rows) };
  }

  /** A kernel that fills numbers where there is zero. */
  numbers<K extends 'u8' | 'u16' | 'u32' | 'time'>(
    kind: K,
    out: ColumnMemory[K],
    make: KernelMaker<K>,
  ): Kernel | undefined {
    const memory = this.#numbers[kind] as ColumnMemory[K] & NumberMemory;
    return both(make(memory), numbersWhereZero(out, memory), (row) => {
      memory[row] = 0;
    });
  }

  /** The same for 64 bits and MAC addresses. */
  wordPairs(out: WordPairs, make: (out: WordPairs) => Kernel): Kernel | undefined {
    const { high, low } = this.#pairs;
    return both(make(this.#pairs), pairsWhereZero(out, this.#pairs), (row) => {
      high[row] = 0;
      low[row] = 0;
    });
  }

  /** The same for addresses. */
  addresses(out: Uint32Array, make: KernelMaker<'address'>): Kernel | undefined {
    const memory = this.#addresses;
    return both(make(memory), addressesWhereZero(out, memory), (row) => {
      for (let word = 0; word < 4; word++) memory[row * 4 + word] = 0;
    });
  }
}

/** Some kernels leave rows as they are: what was in their memory before has to go. */
function both(
  read: Kernel | undefined,
  merge: Kernel,
  clear: (row: number) => void,
): Kernel | undefined {
  if (read === undefined) return undefined;
  return (records) => {
    const { rows, count } = records;
    for (let i = 0; i < count; i++) clear(rows[i] as number);
    read(records);
    merge(records);
  };
}
