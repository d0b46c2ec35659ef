import type { ProtocolCounts } from '../counters.ts';
import { SequenceWatch } from '../sequence-watch.ts';
import type { SflowDatagram, SflowSample } from './consumer.ts';
import { RecentKeys } from './recent-keys.ts';

/** Sub-agents, and data sources of all of them, whose numbers are remembered at a time. */
const SUB_AGENTS = 16_384;
const DATA_SOURCES = 65_536;
/** Milliseconds by which an uptime may be behind: datagrams that came late. */
const UPTIME_BACK_MS = 60_000;

/**
 * Follows the numbers that agents count up: datagrams by sub-agent (source of the datagram, agent address, sub-agent),
 * drops and sample pool by data source. What is missing between two numbers is lost, or was dropped.
 */
export class SflowSequences {
  readonly #counts: ProtocolCounts;
  readonly #subAgents = new RecentKeys(SUB_AGENTS, 9);
  readonly #watches = new Array<SequenceWatch | undefined>(this.#subAgents.capacity).fill(
    undefined,
  );
  readonly #uptimes = new Uint32Array(this.#subAgents.capacity);
  /** Raised when a slot gets another sub-agent, and when its agent began anew: part of the keys of data sources. */
  readonly #generations = new Uint32Array(this.#subAgents.capacity);
  readonly #dataSources = new RecentKeys(DATA_SOURCES, 4);
  readonly #drops = new Uint32Array(this.#dataSources.capacity);
  readonly #pools = new Uint32Array(this.#dataSources.capacity);
  readonly #key = new Uint32Array(9);
  readonly #sourceKey = new Uint32Array(4);
  readonly #numbered = { sequence: 0, sysUptime: 0, receivedMs: 0 };
  #slot = 0;
  /** Growth of the sample pools that has not been counted. */
  #pool = 0;

  constructor(counts: ProtocolCounts) {
    this.#counts = counts;
  }

  datagram(datagram: SflowDatagram): void {
    const { source, agent, subAgent, uptimeMs } = datagram;
    const key = this.#key;
    for (let word = 0; word < 4; word++) {
      key[word] = source[word] as number;
      key[4 + word] = agent[word] as number;
    }
    key[8] = subAgent;
    const slot = this.#subAgents.slot(key);
    const began =
      this.#subAgents.isNew || (this.#uptimes[slot] as number) - uptimeMs > UPTIME_BACK_MS;
    if (began) this.#generations[slot] = (this.#generations[slot] as number) + 1;
    this.#slot = slot;
    this.#uptimes[slot] = uptimeMs;
    this.#numbered.sequence = datagram.sequence;
    this.#numbered.sysUptime = uptimeMs;
    this.#numbered.receivedMs = datagram.receivedMs;
    this.#watchOf(slot).see(this.#counts, this.#numbered, -1);
  }

  /** A flow sample of the last datagram. */
  sample({ sourceClass, sourceIndex, drops, samplePool }: SflowSample): void {
    const key = this.#sourceKey;
    key[0] = sourceIndex;
    key[1] = sourceClass;
    key[2] = this.#slot;
    key[3] = this.#generations[this.#slot] as number;
    const slot = this.#dataSources.slot(key);
    if (!this.#dataSources.isNew) {
      const dropped = grown(drops, this.#drops[slot] as number);
      if (dropped !== 0) this.#counts.add('agentDrops', dropped);
      this.#pool += grown(samplePool, this.#pools[slot] as number);
    }
    this.#drops[slot] = drops;
    this.#pools[slot] = samplePool;
  }

  /** The last datagram ends. */
  end(): void {
    if (this.#pool !== 0) this.#counts.add('samplePool', this.#pool);
    this.#pool = 0;
  }

  #watchOf(slot: number): SequenceWatch {
    const known = this.#watches[slot];
    if (known !== undefined && !this.#subAgents.isNew) return known;
    known?.close(this.#counts);
    // Datagrams are counted, as in NetFlow v9.
    const watch = new SequenceWatch(9);
    this.#watches[slot] = watch;
    return watch;
  }
}

/** How far a counter of 32 bits has grown; 0 when it went back. */
function grown(now: number, before: number): number {
  const step = (now - before) >>> 0;
  return step < 2 ** 31 ? step : 0;
}
