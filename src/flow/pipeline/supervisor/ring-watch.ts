import { createMemory, sealMemory } from '../../../native/memory.ts';
import { RING } from '../../../native/ring-layout.ts';
import { mapAll, ringSequence } from '../../../native/ring-memory.ts';
import { type RingReaderAccount, RingReaderStates } from '../../../native/ring-reader-states.ts';
import type { CounterGroup, RING_COUNTERS } from '../counters.ts';
import type { RingDescriptors } from '../worker/descriptors.ts';

export type RingCounters = CounterGroup<keyof typeof RING_COUNTERS>;

export const NO_RING_COUNTERS: RingCounters = {
  taken: 0,
  bytes: 0,
  abandoned: 0,
  lost: 0,
  truncated: 0,
  lag: 0,
};

interface Ring {
  readonly memory: ArrayBuffer;
  readonly states: RingReaderStates;
}

/** The rings of all forwarders, and how far the readers of one pipeline are with them. */
export class RingWatch {
  readonly #rings: readonly Ring[];

  constructor(rings: readonly RingDescriptors[]) {
    this.#rings = rings.map(({ ring, states }) => ({
      memory: mapAll(ring, false),
      states: new RingReaderStates(mapAll(states, true)),
    }));
  }

  /** Gives readers that have never run their places: behind what is there. */
  open(pipeline: number, shards: number, owner: number): void {
    for (const { memory: ring, states } of this.#rings) {
      for (const shard of range(shards)) {
        states.begin(ring, pipeline, shard, owner);
        states.stopAt(pipeline, shard, 0);
      }
    }
  }

  /** Sums over all rings of what a shard's readers have counted. */
  counters(pipeline: number, shard: number, owner: number): RingCounters {
    const sum = { ...NO_RING_COUNTERS } as Record<keyof RingCounters, number>;
    for (const { memory, states } of this.#rings) {
      const account = ownAccount(states, pipeline, shard, owner);
      if (account === undefined) continue;
      sum.taken += account.taken;
      sum.bytes += account.bytes;
      sum.abandoned += account.abandoned;
      sum.lost += account.ownLost;
      sum.truncated += account.truncated;
      sum.lag += Math.max(0, ringSequence(memory) - account.sequence);
    }
    return sum;
  }

  /**
   * Has shards that are paused go on to one place in each ring, and no further: where the one is that is ahead.
   *
   * @returns whether all are there
   */
  stopAtOnePlace(pipeline: number, shards: number, owner: number): () => boolean {
    const places = this.#rings.map(({ states }) => {
      const accounts = range(shards).map((shard) => ownAccount(states, pipeline, shard, owner));
      const place = Math.max(0, ...accounts.map((account) => account?.sequence ?? 0));
      if (place > 0) for (const shard of range(shards)) states.stopAt(pipeline, shard, place);
      return place;
    });
    return () =>
      this.#rings.every(({ states }, ring) =>
        range(shards).every((shard) => {
          const account = ownAccount(states, pipeline, shard, owner);
          return account === undefined || account.sequence >= (places[ring] as number);
        }),
      );
  }

  /** Has other shards go on where these have stopped. */
  goOn(pipeline: number, from: number, to: number, owner: number): void {
    for (const { states } of this.#rings) {
      const hasRun = ownAccount(states, pipeline, 0, owner) !== undefined;
      for (const shard of range(to)) {
        if (hasRun && shard >= from) states.beginAt(pipeline, shard, 0, owner);
        states.stopAt(pipeline, shard, 0);
      }
    }
  }
}

/** Undefined when it has never run, or was another pipeline's. */
function ownAccount(
  states: RingReaderStates,
  pipeline: number,
  shard: number,
  owner: number,
): RingReaderAccount | undefined {
  const account = states.account(pipeline, shard);
  return account?.owner === owner ? account : undefined;
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

/** Which shard takes which exporters' datagrams, in memory that workers read. */
export class ShardMap {
  readonly fd: number;
  readonly #slots: Uint8Array;

  constructor(pipeline: string) {
    this.fd = createMemory(`floxy-shards-${pipeline}`, RING.SLOTS);
    sealMemory(this.fd, false);
    this.#slots = new Uint8Array(mapAll(this.fd, true));
  }

  /** Spreads exporters over so many shards. No reader of the pipeline may be at work. */
  spread(shards: number): void {
    for (let slot = 0; slot < RING.SLOTS; slot++) this.#slots[slot] = slot % shards;
  }
}
