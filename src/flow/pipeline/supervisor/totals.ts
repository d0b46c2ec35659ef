import { DECODE_COUNTERS, makeDecodeCounters } from '../../decode/counters.ts';
import type { PipelineSettings } from '../config/settings.ts';
import {
  type CounterGroup,
  type DEATH_COUNTERS,
  ENRICH_COUNTERS,
  PRODUCER_COUNTERS,
  RING_COUNTERS,
  WORKER_COUNTERS,
} from '../counters.ts';
import type { PipelineCounters, PipelineStats } from '../stats.ts';
import type { RowCounters } from '../worker-row.ts';
import { NO_RING_COUNTERS, type RingCounters } from './ring-watch.ts';

type Catalogue = Readonly<Record<string, { readonly kind: 'counter' | 'gauge' }>>;
type Deaths = CounterGroup<keyof typeof DEATH_COUNTERS>;

/** What workers of a pipeline have counted that are no more. */
export class EndedWorkers {
  #rows: RowCounters = noRowCounters();
  #ring: RingCounters = NO_RING_COUNTERS;
  #deaths = 0;
  /** Records without a known end, those of spools included. */
  #unfinished = 0;

  /** A process has ended. */
  addProcess(row: RowCounters, isDeath: boolean): void {
    this.#rows = addRows(this.#rows, row, 'counters');
    if (isDeath) this.#deaths++;
    this.#unfinished += unfinishedRecords(row);
  }

  /** A shard is no more. */
  addShard(ring: RingCounters): void {
    this.#ring = addGroup(RING_COUNTERS, this.#ring, ring, 'counters') as RingCounters;
  }

  /** Sums with those that are alive. */
  total(alive: readonly PipelineCounters[]): PipelineCounters {
    const first: PipelineCounters = { ring: this.#ring, ...this.#rows };
    return alive.reduce<PipelineCounters>(
      (sum, counters) => ({
        ring: addGroup(RING_COUNTERS, sum.ring, counters.ring, 'all') as RingCounters,
        ...addRows(sum, counters, 'all'),
      }),
      first,
    );
  }

  /** @param total sums of all workers: what they have recovered from spools was not lost */
  deaths(total: PipelineCounters): Deaths {
    const recordsUnfinished = Math.max(0, this.#unfinished - total.producer.recovered);
    return { deaths: this.#deaths, recordsUnfinished };
  }
}

/** Of a pipeline that has no workers, and why not. */
export function idleStats(
  { name, producer, format }: Pick<PipelineSettings, 'name'> & Partial<PipelineSettings>,
  state: PipelineStats['state'],
  error: string,
): PipelineStats {
  const ended = new EndedWorkers();
  const total = ended.total([]);
  return {
    name,
    producer: producer?.kind ?? '',
    format: format?.kind ?? '',
    state,
    error,
    countedSince: new Date(),
    workers: [],
    total,
    deaths: ended.deaths(total),
  };
}

/** Records that were decoded and have no end by the counters of their process. */
function unfinishedRecords({ worker, producer, decode }: RowCounters): number {
  const decoded = DECODE_COUNTERS.filter(({ key, protocol }) => key === 'records' && protocol)
    .map(({ word }) => decode[word] as number)
    .reduce((sum, records) => sum + records, 0);
  const { delivered, failed, dropped, recovered } = producer;
  const finished = worker.rowsFailed + delivered + failed + dropped - recovered;
  return Math.max(0, decoded - finished);
}

function noRowCounters(): RowCounters {
  const zero = (catalogue: Catalogue) =>
    Object.fromEntries(Object.keys(catalogue).map((key) => [key, 0]));
  return {
    worker: zero(WORKER_COUNTERS) as RowCounters['worker'],
    producer: zero(PRODUCER_COUNTERS) as RowCounters['producer'],
    enrich: zero(ENRICH_COUNTERS) as RowCounters['enrich'],
    decode: makeDecodeCounters(),
  };
}

/** @param what gauges of what is no more are not added */
function addRows(a: RowCounters, b: RowCounters, what: 'all' | 'counters'): RowCounters {
  const decode = a.decode.slice();
  for (const { kind, word } of DECODE_COUNTERS) {
    if (what === 'all' || kind === 'counter')
      decode[word] = (decode[word] as number) + (b.decode[word] as number);
  }
  return {
    worker: addGroup(WORKER_COUNTERS, a.worker, b.worker, what) as RowCounters['worker'],
    producer: addGroup(PRODUCER_COUNTERS, a.producer, b.producer, what) as RowCounters['producer'],
    enrich: addGroup(ENRICH_COUNTERS, a.enrich, b.enrich, what) as RowCounters['enrich'],
    decode,
  };
}

function addGroup(
  catalogue: Catalogue,
  a: Readonly<Record<string, number>>,
  b: Readonly<Record<string, number>>,
  what: 'all' | 'counters',
): Record<string, number> {
  const entries = Object.entries(catalogue).map(([key, { kind }]) => {
    const more = what === 'all' || kind === 'counter' ? (b[key] ?? 0) : 0;
    return [key, (a[key] ?? 0) + more];
  });
  return Object.fromEntries(entries) as Record<string, number>;
}
