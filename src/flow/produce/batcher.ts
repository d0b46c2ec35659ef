import type { EncodedBatch } from '../model/encoded-batch.ts';
import type { FlowProtocol } from '../model/packets.ts';

const NO_KEY = Buffer.alloc(0);
const FIRST_BYTES = 65_536;
const FIRST_MESSAGES = 256;
/** Memory of a message beside its octets: where it ends, and its key. */
const OCTETS_PER_MESSAGE = 12;

export interface BatchLimits {
  readonly bytes: number;
  readonly messages: number;
  /** Batches are of one protocol each: it is part of where they go. */
  readonly byProtocol: boolean;
}

/** Memory that a batch takes while it waits. */
export function weightOf(batch: EncodedBatch): number {
  return batch.bytes.length + batch.ends.length * OCTETS_PER_MESSAGE;
}

/** Copies what is offered into batches of the size that a peer wants: small offers are joined, large ones are split. */
export class Batcher {
  readonly #limits: BatchLimits;
  readonly #full: (batch: EncodedBatch) => void;
  #bytes = Buffer.alloc(0);
  #used = 0;
  /** Octets of the batch before: so many are reserved at once, as the next one will mostly have them too. */
  #before = 0;
  #ends = new Uint32Array(0);
  #messages = 0;
  #keys: Buffer[] = [];
  #records = 0;
  #protocol: FlowProtocol | undefined;
  /** What the format tells with each batch. */
  #told: Pick<EncodedBatch, 'framing' | 'header'> = {};

  /** @param full takes each batch, in the order of what is in them */
  constructor(limits: BatchLimits, full: (batch: EncodedBatch) => void) {
    this.#limits = limits;
    this.#full = full;
  }

  get empty(): boolean {
    return this.#messages === 0;
  }

  add(batch: EncodedBatch): void {
    const { ends, protocol } = batch;
    if (this.#limits.byProtocol && protocol !== this.#protocol) this.close();
    this.#protocol = protocol;
    this.#told = toldWith(batch);
    for (let from = 0; from < ends.length; ) {
      const to = this.#fitting(ends, from);
      if (to > from) this.#append(batch, from, to);
      if (to < ends.length) this.close();
      from = to;
    }
    if (this.#used >= this.#limits.bytes || this.#messages >= this.#limits.messages) this.close();
  }

  /** Hands on what there is, full or not. */
  close(): void {
    if (this.#messages === 0) return;
    const keys = this.#keys;
    const batch: EncodedBatch = {
      bytes: trimmed(this.#bytes, this.#used),
      ends: this.#ends.slice(0, this.#messages),
      records: this.#records,
      ...this.#told,
      ...(keys.length > 0 && { keys }),
      ...(this.#limits.byProtocol && this.#protocol && { protocol: this.#protocol }),
    };
    this.#before = this.#used;
    this.#bytes = Buffer.alloc(0);
    this.#used = 0;
    this.#messages = 0;
    this.#keys = [];
    this.#records = 0;
    this.#full(batch);
  }

  /** The first message from `from` on that the open batch has no room for; an empty one has room for any. */
  #fitting(ends: Uint32Array, from: number): number {
    const begin = start(ends, from);
    const limit = begin + this.#limits.bytes - this.#used;
    const most = Math.min(ends.length, from + this.#limits.messages - this.#messages);
    let low = from;
    let high = most;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((ends[middle] as number) <= limit) low = middle + 1;
      else high = middle;
    }
    return low === from && this.#messages === 0 ? from + 1 : low;
  }

  #append(batch: EncodedBatch, from: number, to: number): void {
    const { ends, keys } = batch;
    const begin = start(ends, from);
    const length = start(ends, to) - begin;
    this.#makeRoom(length, to - from);
    batch.bytes.copy(this.#bytes, this.#used, begin, begin + length);
    const shift = this.#used - begin;
    const first = this.#messages - from;
    for (let i = from; i < to; i++) this.#ends[first + i] = (ends[i] as number) + shift;
    if (keys !== undefined) {
      while (this.#keys.length < this.#messages) this.#keys.push(NO_KEY);
      for (let i = from; i < to; i++) this.#keys.push(keys[i] as Buffer);
    } else if (this.#keys.length > 0) {
      for (let i = from; i < to; i++) this.#keys.push(NO_KEY);
    }
    this.#used += length;
    this.#messages += to - from;
    this.#records += recordsBefore(batch, to) - recordsBefore(batch, from);
  }

  #makeRoom(octets: number, messages: number): void {
    const bytes = this.#used + octets;
    if (bytes > this.#bytes.length) {
      const grown = Math.max(FIRST_BYTES, this.#before, this.#bytes.length * 2);
      const larger = Buffer.allocUnsafeSlow(Math.max(bytes, Math.min(grown, this.#limits.bytes)));
      this.#bytes.copy(larger, 0, 0, this.#used);
      this.#bytes = larger;
    }
    const count = this.#messages + messages;
    if (count > this.#ends.length) {
      const larger = new Uint32Array(Math.max(count, this.#ends.length * 2, FIRST_MESSAGES));
      larger.set(this.#ends.subarray(0, this.#messages));
      this.#ends = larger;
    }
  }
}

/** Where message i begins. */
export function start(ends: Uint32Array, i: number): number {
  return i === 0 ? 0 : (ends[i - 1] as number);
}

/** Message i of a batch, without a copy. */
export function message(batch: EncodedBatch, i: number): Buffer {
  return batch.bytes.subarray(start(batch.ends, i), batch.ends[i]);
}

/** The messages named, as a batch of their own that shares no memory. @param indexes in ascending order */
export function pick(batch: EncodedBatch, indexes: readonly number[]): EncodedBatch {
  const { keys, protocol } = batch;
  const ends = new Uint32Array(indexes.length);
  let at = 0;
  let records = 0;
  for (const [n, i] of indexes.entries()) {
    at += (batch.ends[i] as number) - start(batch.ends, i);
    ends[n] = at;
    records += recordsBefore(batch, i + 1) - recordsBefore(batch, i);
  }
  return {
    bytes: Buffer.concat(indexes.map((i) => message(batch, i))),
    ends,
    records,
    ...toldWith(batch),
    ...(keys && { keys: indexes.map((i) => keys[i] as Buffer) }),
    ...(protocol && { protocol }),
  };
}

function toldWith({ framing, header }: EncodedBatch): Pick<EncodedBatch, 'framing' | 'header'> {
  return { ...(framing && { framing }), ...(header && { header }) };
}

/** Flow records in messages 0 to i - 1: a batch tells only their sum, so each message counts alike, and all add up. */
function recordsBefore({ records, ends }: EncodedBatch, i: number): number {
  return Math.floor((records * i) / ends.length);
}

/** A batch that is not full does not keep memory for one that is. */
function trimmed(bytes: Buffer, used: number): Buffer {
  if (used >= bytes.length * 0.75) return bytes.subarray(0, used);
  const copy = Buffer.allocUnsafeSlow(used);
  bytes.copy(copy, 0, 0, used);
  return copy;
}
