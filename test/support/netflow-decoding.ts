import { BatchWriter } from '../../src/flow/decode/batch-writer.ts';
import { columnsOf, type ExtraColumn } from '../../src/flow/decode/columns/extra-columns.ts';
import { NetflowColumns } from '../../src/flow/decode/columns/netflow-columns.ts';
import type { SamplingOverride } from '../../src/flow/decode/columns/sampling-overrides.ts';
import { DECODE_COUNTERS, makeDecodeCounters } from '../../src/flow/decode/counters.ts';
import { Decoder } from '../../src/flow/decode/decoder.ts';
import { NetflowWalker, type NetflowWalkerOptions } from '../../src/flow/decode/netflow-walker.ts';
import type { FlowBatch } from '../../src/flow/model/flow-batch.ts';
import type { Packets } from '../../src/flow/model/packets.ts';
import { type PacketOptions, packetsOf } from './packets.ts';
import { type Row, rowsOf } from './rows.ts';

export interface NetflowDecodingOptions extends Partial<Omit<NetflowWalkerOptions, 'counters'>> {
  /** Rows of a batch. */
  readonly batchRows?: number;
  readonly extras?: readonly ExtraColumn[];
  readonly sampling?: readonly SamplingOverride[];
}

/** Decodes messages to rows, for tests: what a worker does, without what comes after it. */
export class NetflowDecoding {
  readonly rows: Row[] = [];
  /** Rows of each batch that was handed on, and the values of the user's columns. */
  readonly batches: number[] = [];
  readonly extras: unknown[][] = [];
  readonly #counters = makeDecodeCounters();
  readonly #writer: BatchWriter;
  readonly #walker: NetflowWalker;
  readonly #decoder: Decoder;

  constructor(options: NetflowDecodingOptions = {}) {
    const { batchRows = 64, extras = [], sampling = [], consumers = [], ...others } = options;
    const counters = this.#counters;
    this.#writer = new BatchWriter((batch) => this.#take(batch), {
      rows: batchRows,
      extraColumns: columnsOf(extras),
    });
    const columns = new NetflowColumns(this.#writer, { counters, extras, sampling });
    this.#walker = new NetflowWalker({ counters, consumers: [columns, ...consumers], ...others });
    this.#decoder = new Decoder({
      counters,
      netflow: this.#walker,
      sflow: { datagram: () => undefined, endBatch: () => undefined },
    });
  }

  /** Decodes messages of one exporter. @returns the rows that they brought */
  decode(messages: readonly Uint8Array[], from: PacketOptions = {}): Row[] {
    return this.decodePackets(packetsOf(messages, from));
  }

  decodePackets(packets: Packets): Row[] {
    const before = this.rows.length;
    this.#decoder.decode(packets);
    this.#writer.flush();
    return this.rows.slice(before);
  }

  stop(): void {
    this.#walker.stop();
  }

  /** Counters that are not 0, those of all protocols together. */
  get counts(): Readonly<Record<string, number>> {
    const totals: Record<string, number> = {};
    for (const { key, word } of DECODE_COUNTERS) {
      const value = this.#counters[word] ?? 0;
      if (value !== 0) totals[key] = (totals[key] ?? 0) + value;
    }
    return totals;
  }

  #take(batch: FlowBatch): void {
    this.rows.push(...rowsOf(batch));
    this.batches.push(batch.rows);
    for (let row = 0; row < batch.rows; row++) this.extras.push(extrasOf(batch, row));
  }
}

function extrasOf(batch: FlowBatch, row: number): unknown[] {
  return batch.extraColumns.map(({ kind }, i) => {
    const memory = batch.extras[i] ?? new Uint8Array();
    if ('high' in memory) {
      return (BigInt(memory.high[row] ?? 0) << 32n) | BigInt(memory.low[row] ?? 0);
    }
    if (kind === 'address') return [...memory.subarray(row * 4, row * 4 + 4)];
    return kind === 'text' ? batch.texts[memory[row] ?? 0] : memory[row];
  });
}
