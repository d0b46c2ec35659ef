/** What came to each listening address: rows among the counters of a forwarder (struct pio_listener, native/include/pio.h). */
import type { SocketAddress } from '../../config/config.ts';
import { mappedOctets } from '../../model/address.ts';
import type { Counters } from '../../model/statistics.ts';
import { COUNTERS, LISTENER } from '../../native/layout.ts';

const ROW_WORDS = LISTENER.SIZE / 8;
const PORT = LISTENER.PORT / 2;
const PACKETS = LISTENER.PACKETS / 2;
const BYTES = LISTENER.BYTES / 2;
const KERNEL_DROPS = LISTENER.KERNEL_DROPS / 2;

/** Where rows are, in words of 64 bits. */
export const LISTENER_ROWS = {
  FIRST: COUNTERS.LISTENERS,
  END: COUNTERS.LISTENERS + COUNTERS.LISTENERS_MAX * ROW_WORDS,
} as const;

/** What came to one address, as far as one memory tells. */
export interface ListenerCounts {
  readonly received: Counters;
  readonly kernelDrops: bigint;
}

export class ListenerCounters {
  readonly #words: BigUint64Array;

  /** @param words all counters, whose writer this process is when it changes any */
  constructor(words: BigUint64Array) {
    this.#words = words;
  }

  /** Frees the rows of all other addresses. @returns the row of each, or COUNTERS.LISTENER_NONE where there is no room */
  keep(listeners: readonly SocketAddress[]): number[] {
    const keys = listeners.map(keyOf);
    for (let row = 0; row < COUNTERS.LISTENERS_MAX; row++) {
      const at = this.#at(row);
      const isKept = keys.some((key) => this.#has(at, key));
      if (!isKept) this.#words.fill(0n, at, at + ROW_WORDS);
    }
    return keys.map((key) => this.#find(key) ?? this.#take(key) ?? COUNTERS.LISTENER_NONE);
  }

  read(listener: SocketAddress): ListenerCounts {
    const row = this.#find(keyOf(listener));
    const word = (index: number) =>
      row === undefined ? 0n : (this.#words[this.#at(row) + index] ?? 0n);
    const received = { packets: word(PACKETS), bytes: word(BYTES) };
    return { received, kernelDrops: word(KERNEL_DROPS) };
  }

  /** Adds to the row of an address; nothing when there is no room for one more. */
  add(listener: SocketAddress, { received, kernelDrops }: ListenerCounts): void {
    const key = keyOf(listener);
    const row = this.#find(key) ?? this.#take(key);
    if (row === undefined) return;
    const add = (index: number, by: bigint) => {
      const at = this.#at(row) + index;
      this.#words[at] = (this.#words[at] ?? 0n) + by;
    };
    add(PACKETS, received.packets);
    add(BYTES, received.bytes);
    add(KERNEL_DROPS, kernelDrops);
  }

  #at(row: number): number {
    return LISTENER_ROWS.FIRST + row * ROW_WORDS;
  }

  #has(at: number, key: readonly bigint[]): boolean {
    return key.every((word, i) => this.#words[at + i] === word);
  }

  #find(key: readonly bigint[]): number | undefined {
    for (let row = 0; row < COUNTERS.LISTENERS_MAX; row++) {
      if (this.#has(this.#at(row), key)) return row;
    }
    return undefined;
  }

  /** @returns undefined when all rows are taken */
  #take(key: readonly bigint[]): number | undefined {
    for (let row = 0; row < COUNTERS.LISTENERS_MAX; row++) {
      if (this.#words[this.#at(row) + PORT] !== 0n) continue;
      this.#words.set(key, this.#at(row));
      return row;
    }
    return undefined;
  }
}

/** The words of a row that say whose it is. */
function keyOf({ octets, port }: SocketAddress): readonly bigint[] {
  const address = Uint8Array.from(mappedOctets(octets));
  return [...new BigUint64Array(address.buffer), BigInt(port)];
}
