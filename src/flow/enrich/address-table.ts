/** One address and what is known of it; others with the same hash follow. */
interface Slot<T> {
  readonly words: readonly [number, number, number, number];
  readonly value: T;
  readonly next: Slot<T> | undefined;
}

/** Hashes that are small integers for V8. */
const HASH_SHIFT = 2;

/**
 * Values by address, which is four words. It holds about as many as its limit; then those go that nobody has looked up
 * for the longest time. Its hash is keyed at random: nobody can choose addresses that meet in one place.
 */
export class AddressTable<T> {
  readonly #limit: number;
  readonly #onDropped: (value: T) => void;
  readonly #keys = crypto.getRandomValues(new Uint32Array(4)).map((key) => key | 1);
  /** Found or made of late. */
  #young = new Map<number, Slot<T>>();
  #youngSize = 0;
  /** What was young before: what is found here becomes young again, the rest goes. */
  #old = new Map<number, Slot<T>>();
  #oldSize = 0;

  constructor(limit: number, onDropped: (value: T) => void = () => undefined) {
    this.#limit = limit;
    this.#onDropped = onDropped;
  }

  get size(): number {
    return this.#youngSize + this.#oldSize;
  }

  /** @param at where the first of the four words is */
  get(words: Uint32Array, at = 0): T | undefined {
    const hash = this.#hash(words, at);
    const young = find(this.#young.get(hash), words, at);
    if (young !== undefined) return young.value;
    if (this.#oldSize === 0) return undefined;
    const old = find(this.#old.get(hash), words, at);
    if (old === undefined) return undefined;
    this.#remove(hash, old);
    this.#insert(hash, old.words, old.value);
    return old.value;
  }

  /** The address must not be there yet. */
  add(words: Uint32Array, at: number, value: T): void {
    this.#insert(this.#hash(words, at), copyWords(words, at), value);
  }

  *values(): Generator<T> {
    for (const slots of [this.#young, this.#old]) {
      for (const first of slots.values()) {
        for (let slot: Slot<T> | undefined = first; slot; slot = slot.next) yield slot.value;
      }
    }
  }

  #insert(hash: number, words: Slot<T>['words'], value: T): void {
    if (this.#youngSize >= this.#limit / 2) this.#age();
    this.#young.set(hash, { words, value, next: this.#young.get(hash) });
    this.#youngSize++;
  }

  #age(): void {
    const gone = this.#old;
    this.#old = this.#young;
    this.#oldSize = this.#youngSize;
    this.#young = new Map();
    this.#youngSize = 0;
    for (const first of gone.values()) {
      for (let slot: Slot<T> | undefined = first; slot; slot = slot.next) {
        this.#onDropped(slot.value);
      }
    }
  }

  #remove(hash: number, slot: Slot<T>): void {
    const rest = without(this.#old.get(hash), slot);
    if (rest === undefined) this.#old.delete(hash);
    else this.#old.set(hash, rest);
    this.#oldSize--;
  }

  #hash(words: Uint32Array, at: number): number {
    const keys = this.#keys;
    const mixed =
      Math.imul(words[at] as number, keys[0] as number) ^
      Math.imul(words[at + 1] as number, keys[1] as number) ^
      Math.imul(words[at + 2] as number, keys[2] as number) ^
      Math.imul(words[at + 3] as number, keys[3] as number);
    return (mixed ^ (mixed >>> 15)) >>> HASH_SHIFT;
  }
}

export function copyWords(words: Uint32Array, at: number): Slot<unknown>['words'] {
  return [words[at] ?? 0, words[at + 1] ?? 0, words[at + 2] ?? 0, words[at + 3] ?? 0];
}

function find<T>(first: Slot<T> | undefined, words: Uint32Array, at: number): Slot<T> | undefined {
  for (let slot = first; slot !== undefined; slot = slot.next) {
    const own = slot.words;
    if (
      own[3] === words[at + 3] &&
      own[2] === words[at + 2] &&
      own[1] === words[at + 1] &&
      own[0] === words[at]
    ) {
      return slot;
    }
  }
  return undefined;
}

function without<T>(first: Slot<T> | undefined, gone: Slot<T>): Slot<T> | undefined {
  if (first === undefined || first === gone) return first?.next;
  return { ...first, next: without(first.next, gone) };
}
