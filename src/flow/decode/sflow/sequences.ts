import type { ProtocolCounts } from '../counters.ts';
import type { SflowDatagram, SflowSample } from './consumer.ts';
import { RecentKeys } from './recent-keys.ts';

/** Agents and sub-agents, and their data sources, whose numbers are remembered at a time. */
const AGENTS = 16_384;
const DATA_SOURCES = 65_536;
/** A datagram that is so few numbers behind came late; one further behind, or so far ahead, is of an agent that began anew. */
const LATE = 256;
const FARTHEST = 2 ** 20;

/**
 * Follows the numbers that agents count up: datagrams by sub-agent (source of the datagram, agent address, sub-agent),
 * drops and sample pool by data source. What is missing between two numbers is lost, or was dropped.
 */
export class SflowSequences {
  readonly #counts: ProtocolCounts;
  readonly #agents = new RecentKeys(AGENTS, 9);
  readonly #last = new Uint32Array(this.#agents.capacity);
  /** How often each slot of an agent changed hands: part of the keys of data sources. */
  readonly #generations = new Uint32Array(this.#agents.capacity);
  readonly #dataSources = new RecentKeys(DATA_SOURCES, 4);
  readonly #drops = new Uint32Array(this.#dataSources.capacity);
  readonly #pools = new Uint32Array(this.#dataSources.capacity);
  readonly #key = new Uint32Array(9);
  readonly #sourceKey = new Uint32Array(4);
  #agent = 0;

  constructor(counts: ProtocolCounts) {
    this.#counts = counts;
  }

  datagram({ source, agent, subAgent, sequence }: SflowDatagram): void {
    const key = this.#key;
    for (let word = 0; word < 4; word++) {
      key[word] = source[word] as number;
      key[4 + word] = agent[word] as number;
    }
    key[8] = subAgent;
    const slot = this.#agents.slot(key);
    this.#agent = slot;
    if (this.#agents.isNew) {
      this.#generations[slot] = (this.#generations[slot] as number) + 1;
      this.#last[slot] = sequence;
    } else if (this.#follows(sequence, this.#last[slot] as number)) {
      this.#last[slot] = sequence;
    }
  }

  /** A flow sample of the last datagram. */
  sample({ sourceClass, sourceIndex, drops, samplePool }: SflowSample): void {
    const key = this.#sourceKey;
    key[0] = this.#agent;
    key[1] = this.#generations[this.#agent] as number;
    key[2] = sourceClass;
    key[3] = sourceIndex;
    const slot = this.#dataSources.slot(key);
    if (!this.#dataSources.isNew) {
      this.#counts.add('agentDrops', grown(drops, this.#drops[slot] as number));
      this.#counts.add('samplePool', grown(samplePool, this.#pools[slot] as number));
    }
    this.#drops[slot] = drops;
    this.#pools[slot] = samplePool;
  }

  /** Counts what lies between two numbers. @returns whether later numbers are held against this one */
  #follows(sequence: number, last: number): boolean {
    const step = (sequence - last) | 0;
    if (step > 0 && step <= FARTHEST) {
      if (step > 1) {
        this.#counts.add('sequenceGaps');
        this.#counts.add('lostBeforeUs', step - 1);
      }
      return true;
    }
    if (step <= 0 && step > -LATE && sequence >= LATE) {
      this.#counts.add('outOfOrder');
      return false;
    }
    this.#counts.add('restarts');
    this.#generations[this.#agent] = (this.#generations[this.#agent] as number) + 1;
    return true;
  }
}

/** How far a counter of 32 bits has grown; 0 when it began anew. */
function grown(now: number, before: number): number {
  const step = (now - before) >>> 0;
  return step < 2 ** 31 ? step : 0;
}
