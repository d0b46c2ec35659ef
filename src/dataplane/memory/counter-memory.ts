import { closeSync, fstatSync } from 'node:fs';
import type { Counters, LeftOut } from '../../model/statistics.ts';
import type { ErrnoCount } from '../../model/status.ts';
import { errnoName } from '../../native/errno.ts';
import { JOURNAL } from '../../native/kernel-layout.ts';
import { COUNTER, COUNTERS, SLOT } from '../../native/layout.ts';
import {
  createMemory,
  mapMemory,
  resizeMemory,
  sealMemory,
  unmapMemory,
} from '../../native/memory.ts';
import { Notes } from '../../native/notes.ts';
import { HEADER as NOTES } from '../../native/notes-layout.ts';
import { LEFT_OUT, STATE } from '../../table/layout.ts';
import { LISTENER_ROWS, ListenerCounters } from './listener-counters.ts';

/**
 * Slots of each forwarder's memory: twice what one rule set may take, so that one can replace another.
 * The memory is sparse: only slots that count take room.
 */
export const SLOT_COUNT = 8_388_608;

/** Twice as many as one rule set may have outputs: each has a collector, which needs a slot. */
export const STATE_COUNT = SLOT_COUNT / 2;

const STATES_AT = COUNTERS.SIZE + SLOT_COUNT * SLOT.SIZE;
const NOTES_AT = STATES_AT + STATE_COUNT * STATE.SIZE;

const LEFT_OUT_AT = NOTES_AT + NOTES.SIZE;
const JOURNAL_AT = LEFT_OUT_AT + STATE_COUNT * LEFT_OUT.SIZE;

/**
 * How a forwarder's memory is divided, in bytes: its own counters, slots, states of balancing, notes, what outputs left
 * out, a journal. What is new comes last: the memory that an earlier version hands over ends before it.
 */
export const COUNTER_MEMORY = {
  SLOTS: COUNTERS.SIZE,
  STATES: STATES_AT,
  NOTES: NOTES_AT,
  LEFT_OUT: LEFT_OUT_AT,
  /** What is being counted of the packets that were handled in the kernel. */
  JOURNAL: JOURNAL_AT,
  SIZE: JOURNAL_AT + JOURNAL.SIZE,
} as const;

/**
 * One forwarder's counters, states of balancing and notes in memory shared with it. It alone writes them; they
 * outlive its process.
 */
export class CounterMemory {
  readonly fd: number;
  /** Of exporters and losses; the forwarder opens them. */
  readonly notes: Notes;
  readonly #memory: ArrayBuffer;
  /** Counters of the forwarder, then two words for each slot. */
  readonly #words: BigUint64Array;

  /** @param fd the memory of a forwarder before; undefined = new memory, all zero */
  constructor(name: number | 'ended', fd?: number) {
    this.fd = fd ?? createSealed(`floxy-counters-${name}`, COUNTER_MEMORY.SIZE);
    // That of an earlier version may be shorter.
    if (fstatSync(this.fd).size < COUNTER_MEMORY.SIZE) resizeMemory(this.fd, COUNTER_MEMORY.SIZE);
    this.#memory = mapMemory(this.fd, COUNTER_MEMORY.SIZE, true);
    this.#words = new BigUint64Array(this.#memory);
    this.notes = new Notes(this.#memory, COUNTER_MEMORY.NOTES);
  }

  /** @param index one of COUNTER */
  counter(index: number): bigint {
    return this.#words[index] ?? 0n;
  }

  slot(slot: number): Counters {
    const at = slotAt(slot);
    return { packets: this.#words[at] ?? 0n, bytes: this.#words[at + 1] ?? 0n };
  }

  /** Only for slots to which the forwarder does not write. */
  clearSlot(slot: number): void {
    this.#words.fill(0n, slotAt(slot), slotAt(slot) + 2);
  }

  /** What the output with this state left out. */
  leftOut(state: number): LeftOut {
    const counters = (member: number) => {
      const at = leftOutAt(state) + member / 2;
      return { packets: this.#words[at] ?? 0n, bytes: this.#words[at + 1] ?? 0n };
    };
    return { sampled: counters(LEFT_OUT.SAMPLED), filtered: counters(LEFT_OUT.FILTERED) };
  }

  /**
   * Only for states that the forwarder does not use.
   *
   * @param hasLeftOut what was counted by it may not be zero: memory is used when it is written
   */
  clearState(state: number, hasLeftOut: boolean): void {
    const at = (COUNTER_MEMORY.STATES + state * STATE.SIZE) / 8;
    this.#words.fill(0n, at, at + STATE.SIZE / 8);
    if (!hasLeftOut) return;
    const leftOut = leftOutAt(state);
    this.#words.fill(0n, leftOut, leftOut + LEFT_OUT.SIZE / 8);
  }

  /** Only for what no forwarder writes. */
  setCounter(index: number, value: bigint): void {
    this.#words[index] = value;
  }

  /** What came to each listening address. */
  get listeners(): ListenerCounters {
    return new ListenerCounters(this.#words);
  }

  /** Adds what another has counted that nobody writes to any more, at these slots and by these states. */
  absorb(other: CounterMemory, slots: Iterable<number>, states: Iterable<number>): void {
    const add = (at: number) => {
      const more = other.#words[at] ?? 0n;
      if (more !== 0n) this.#words[at] = (this.#words[at] ?? 0n) + more;
    };
    for (let at = 0; at < COUNTER_MEMORY.SLOTS / 8; at++) {
      const isOfListeners = at >= LISTENER_ROWS.FIRST && at < LISTENER_ROWS.END;
      const isSum = at !== COUNTER.HEARTBEAT && at !== COUNTER.COUNTED_SINCE;
      if (isSum && !isOfListeners) add(at);
    }
    for (const slot of slots) {
      add(slotAt(slot));
      add(slotAt(slot) + 1);
    }
    for (const state of states) {
      const at = leftOutAt(state);
      for (let word = 0; word < LEFT_OUT.SIZE / 8; word++) add(at + word);
    }
    this.notes.absorb(other.notes);
  }

  /** @param first COUNTER.SEND_ERRORS or COUNTER.RECEIVE_ERRORS */
  errors(first: number): ErrnoCount[] {
    const counts: ErrnoCount[] = [];
    for (let errno = 1; errno < COUNTERS.ERRNOS; errno++) {
      const count = this.counter(first + errno);
      if (count > 0n) counts.push({ code: errnoName(errno), count });
    }
    return counts;
  }

  /** Its descriptor is closed by others. */
  unmap(): void {
    unmapMemory(this.#memory);
  }

  close(): void {
    this.unmap();
    closeSync(this.fd);
  }
}

/** A forwarder that was broken into cannot cut it off under control, which has it mapped. */
function createSealed(name: string, bytes: number): number {
  const fd = createMemory(name, bytes);
  sealMemory(fd, false);
  return fd;
}

function leftOutAt(state: number): number {
  return (COUNTER_MEMORY.LEFT_OUT + state * LEFT_OUT.SIZE) / 8;
}

function slotAt(slot: number): number {
  return (COUNTER_MEMORY.SLOTS + slot * SLOT.SIZE) / 8;
}
