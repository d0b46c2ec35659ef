/** Counters of workers in memory that they share with control: one row each, which outlives its process. */
import { closeSync } from 'node:fs';
import { createMemory, mapMemory, sealMemory } from '../../native/memory.ts';
import { DECODE_COUNTERS } from '../decode/counters.ts';
import {
  type CounterGroup,
  ENRICH_COUNTERS,
  PRODUCER_COUNTERS,
  ROW,
  WORKER_COUNTERS,
} from './counters.ts';

export const ROW_BYTES = ROW.words * 8;

type GroupName = 'worker' | 'producer' | 'enrich';

const GROUPS = {
  worker: Object.keys(WORKER_COUNTERS),
  producer: Object.keys(PRODUCER_COUNTERS),
  enrich: Object.keys(ENRICH_COUNTERS),
} as const;

/** What a row says of its process. */
export interface RowCounters {
  readonly worker: CounterGroup<keyof typeof WORKER_COUNTERS>;
  readonly producer: CounterGroup<keyof typeof PRODUCER_COUNTERS>;
  readonly enrich: CounterGroup<keyof typeof ENRICH_COUNTERS>;
  /** By word: DECODE_COUNTERS. */
  readonly decode: Float64Array;
}

/** One worker's row. It alone writes it while it lives. */
export class WorkerRow {
  readonly #words: Float64Array;

  constructor(memory: ArrayBuffer, row: number) {
    this.#words = new Float64Array(memory, row * ROW_BYTES, ROW.words);
  }

  /** Memory for the decoder's counters. */
  get decodeCounters(): Float64Array {
    return this.#words.subarray(ROW.decode, ROW.decode + DECODE_COUNTERS.length);
  }

  beat(): void {
    this.#words[ROW.heartbeat] = (this.#words[ROW.heartbeat] as number) + 1;
  }

  /** Grows while the worker's event loop turns. */
  get heartbeat(): number {
    return this.#words[ROW.heartbeat] as number;
  }

  set(group: GroupName, values: Readonly<Record<string, number>>): void {
    const from = ROW[group];
    for (const [i, key] of GROUPS[group].entries()) this.#words[from + i] = values[key] ?? 0;
  }

  read(): RowCounters {
    return {
      worker: this.#group('worker') as RowCounters['worker'],
      producer: this.#group('producer') as RowCounters['producer'],
      enrich: this.#group('enrich') as RowCounters['enrich'],
      decode: this.decodeCounters.slice(),
    };
  }

  /** For the next process. */
  clear(): void {
    this.#words.fill(0);
  }

  #group(group: GroupName): Record<string, number> {
    const from = ROW[group];
    return Object.fromEntries(
      GROUPS[group].map((key, i) => [key, this.#words[from + i] as number]),
    );
  }
}

/** The rows of all workers, as control has them. */
export class WorkerRows {
  readonly fd: number;
  readonly rows: number;
  readonly #memory: ArrayBuffer;

  constructor(rows: number) {
    this.rows = rows;
    this.fd = createMemory('floxy-pipeline-counters', rows * ROW_BYTES);
    // A worker that was broken into cannot cut it off under control, which has it mapped.
    sealMemory(this.fd, false);
    this.#memory = mapMemory(this.fd, rows * ROW_BYTES, true);
  }

  row(index: number): WorkerRow {
    return new WorkerRow(this.#memory, index);
  }

  /** No process can be given it any more; what it has can still be read. */
  close(): void {
    closeSync(this.fd);
  }
}

/** In a worker: its own row of what it inherited. */
export function mapWorkerRow(fd: number, row: number): WorkerRow {
  return new WorkerRow(mapMemory(fd, (row + 1) * ROW_BYTES, true), row);
}
