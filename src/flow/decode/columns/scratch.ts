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
    // Only kernels of times leave rows as they are, where a time is not known.
    const clear = kind === 'time' ? zeros(memory) : undefined;
    return inTurn({ clear, read: make(memory), merge: numbersWhereZero(out, memory) });
  }

  /** The same for 64 bits and MAC addresses. */
  wordPairs(out: WordPairs, make: (out: WordPairs) => Kernel): Kernel | undefined {
    // Kernels of fields of up to four octets do not touch the high word.
    return inTurn({
      clear: zeros(this.#pairs.high),
      read: make(this.#pairs),
      merge: pairsWhereZero(out, this.#pairs),
    });
  }

  /** The same for addresses. */
  addresses(out: Uint32Array, make: KernelMaker<'address'>): Kernel | undefined {
    const memory = this.#addresses;
    return inTurn({ read: make(memory), merge: addressesWhereZero(out, memory) });
  }
}

function zeros(memory: NumberMemory): Kernel {
  return ({ rows, count }) => {
    for (let i = 0; i < count; i++) memory[rows[i] as number] = 0;
  };
}

/** One after the other; undefined when there is none to read the field. */
function inTurn({ clear, read, merge }: Turn): Kernel | undefined {
  if (read === undefined) return undefined;
  return (records) => {
    clear?.(records);
    read(records);
    merge(records);
  };
}

interface Turn {
  readonly clear?: Kernel | undefined;
  readonly read: Kernel | undefined;
  readonly merge: Kernel;
}
