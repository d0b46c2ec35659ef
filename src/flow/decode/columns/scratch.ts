import type { ColumnKind } from '../../model/columns.ts';
import type { ColumnMemory, WordPairs } from '../../model/flow-batch.ts';
import { RECORDS_PER_CALL } from '../template.ts';
import { addressesWhereZero, numbersWhereZero, pairsWhereZero } from './derived.ts';
import type { Kernel } from './kernels.ts';

/** Makes the kernel of a field for memory of its column, or for other memory of the same kind. */
export type KernelMaker<K extends ColumnKind> = (out: ColumnMemory[K]) => Kernel | undefined;

type NumberMemory = ColumnMemory['u8' | 'u16' | 'u32' | 'time'];

/** Memory for values that go into a column only where it has none. */
export class Scratch {
  /** Numbers of 16 bits, for who needs them in steps. */
  readonly u16 = new Uint16Array(RECORDS_PER_CALL);
  readonly #numbers: Pick<ColumnMemory, 'u8' | 'u16' | 'u32' | 'time'> = {
    u8: new Uint8Array(RECORDS_PER_CALL),
    u16: this.u16,
    u32: new Uint32Array(RECORDS_PER_CALL),
    time: new Float64Array(RECORDS_PER_CALL),
  };
  readonly #addresses = new Uint32Array(RECORDS_PER_CALL * 4);
  readonly #pairs: WordPairs = {
    high: new Uint32Array(RECORDS_PER_CALL),
    low: new Uint32Array(RECORDS_PER_CALL),
  };

  /** A kernel that fills numbers where there is zero. */
  numbers<K extends 'u8' | 'u16' | 'u32' | 'time'>(
    kind: K,
    out: ColumnMemory[K],
    make: KernelMaker<K>,
  ): Kernel | undefined {
    const memory = this.#numbers[kind] as ColumnMemory[K] & NumberMemory;
    return both(make(memory), numbersWhereZero(out, memory), (count) => memory.fill(0, 0, count));
  }

  /** The same for 64 bits and MAC addresses. */
  wordPairs(out: WordPairs, make: (out: WordPairs) => Kernel): Kernel | undefined {
    const { high, low } = this.#pairs;
    // Kernels of up to four octets do not touch the high word.
    return both(make(this.#pairs), pairsWhereZero(out, this.#pairs), (count) => {
      high.fill(0, 0, count);
      low.fill(0, 0, count);
    });
  }

  /** The same for addresses. */
  addresses(out: Uint32Array, make: KernelMaker<'address'>): Kernel | undefined {
    return both(make(this.#addresses), addressesWhereZero(out, this.#addresses), (count) => {
      this.#addresses.fill(0, 0, count * 4);
    });
  }
}

function both(
  read: Kernel | undefined,
  merge: Kernel,
  clear: (count: number) => void,
): Kernel | undefined {
  if (read === undefined) return undefined;
  return (set, from, count, row) => {
    clear(count);
    read(set, from, count, 0);
    merge(set, from, count, row);
  };
}
