import { BatchWriter } from '../../../src/flow/decode/batch-writer.ts';
import { NetflowColumns } from '../../../src/flow/decode/columns/netflow-columns.ts';
import {
  COMMON_WORD,
  makeDecodeCounters,
  PROTOCOLS,
  ProtocolCounts,
} from '../../../src/flow/decode/counters.ts';
import { Decoder } from '../../../src/flow/decode/decoder.ts';
import { DECODE_LIMITS } from '../../../src/flow/decode/limits.ts';
import { NetflowWalker } from '../../../src/flow/decode/netflow-walker.ts';
import { SflowColumns } from '../../../src/flow/decode/sflow/columns.ts';
import { bothConsumers } from '../../../src/flow/decode/sflow/consumer.ts';
import { SflowWalker } from '../../../src/flow/decode/sflow/walker.ts';
import { ROW_FORMATS } from '../../../src/flow/format/row-formats.ts';
import { VflowJson } from '../../../src/flow/format/vflow/vflow-json.ts';
import type { EncodedBatch } from '../../../src/flow/model/encoded-batch.ts';
import type { FlowBatch } from '../../../src/flow/model/flow-batch.ts';
import type { RowFormat } from '../../../src/flow/model/format.ts';
import { makePackets, type Packets } from '../../../src/flow/model/packets.ts';
import { WatchedConsumer } from './watched-consumer.ts';

/** Bounds that a short run reaches. */
export const FUZZ_LIMITS = {
  ...DECODE_LIMITS,
  sessions: 200,
  newcomers: 50,
  templatesPerSession: 200,
  fields: 20_000,
  pendingBytesPerDomain: 64 * 1024,
  pendingBytes: 1024 * 1024,
};

/** Datagrams from so many exporters, a millisecond apart. */
const EXPORTERS = 300;
/** Every how many messages of JSON are parsed. */
const PARSE_EVERY = 8;

/** All decoders, fed one datagram after the other, and what has to hold after each. */
export class FuzzedDecoders {
  readonly packets: Packets;
  readonly counters = makeDecodeCounters();
  readonly #decoder: Decoder;
  readonly #watched: WatchedConsumer;
  readonly #json: VflowJson;
  readonly #writer: BatchWriter;
  readonly #counts = PROTOCOLS.map((protocol) => new ProtocolCounts(this.counters, protocol));
  readonly #formats = [...ROW_FORMATS.values()].map((kind) =>
    kind.create(kind.options.parse({}), { extraColumns: [], keyed: false }),
  );
  #batches = 0;
  #written = 0;
  #messages = 0;
  #rows = 0;

  constructor(most = 65_536) {
    const { counters } = this;
    this.packets = makePackets(1, most);
    this.packets.count = 1;
    this.#watched = new WatchedConsumer(this.packets);
    this.#json = new VflowJson({ keyed: true, handOn: (batch) => this.#take(batch) });
    this.#writer = new BatchWriter((batch) => this.#encode(batch));
    const rows = new NetflowColumns(this.#writer, { counters });
    const consumers = [this.#watched, rows, this.#json.netflow];
    const netflow = new NetflowWalker({ counters, consumers, limits: FUZZ_LIMITS });
    const columns = new SflowColumns(this.#writer);
    const consumer = bothConsumers(columns, this.#json.sflow);
    this.#decoder = new Decoder({
      counters,
      netflow,
      sflow: new SflowWalker(consumer, counters),
    });
  }

  /** Decodes one datagram. @throws Error for whatever must not be */
  feed(datagram: Uint8Array, number: number): void {
    const { packets } = this;
    packets.bytes.set(datagram);
    packets.lengths[0] = datagram.length;
    packets.sources.set([0, 0, 0xffff, 0xc633_6400 + (number % EXPORTERS)]);
    packets.ports[0] = 2055;
    packets.receivedMs[0] = 1_700_000_000_000 + number;
    this.#decoder.decode(packets);
  }

  /** Sees that accounts are right and bounds are kept. */
  check(): void {
    this.#json.flush();
    this.#writer.flush();
    const total = (key: 'records' | 'optionRecords', protocols = this.#counts) =>
      protocols.reduce((sum, counts) => sum + counts.get(key), 0);
    const netflow = this.#counts.slice(0, 3);
    same(
      'records',
      total('records', netflow) + total('optionRecords', netflow),
      this.#watched.count,
    );
    same('rows', total('records'), this.#rows);
    const word = (key: keyof typeof COMMON_WORD) => this.counters[COMMON_WORD[key]] as number;
    within('sessions', word('sessions'), FUZZ_LIMITS.sessions + FUZZ_LIMITS.newcomers);
    within('templates', word('templates'), FUZZ_LIMITS.fields);
    within('pendingBytes', word('pendingBytes'), FUZZ_LIMITS.pendingBytes);
    if (this.#written < this.#watched.count) {
      throw new Error(`${this.#written} of ${this.#watched.count} records were written`);
    }
  }

  /** Records that were found, of all protocols. */
  get records(): number {
    return this.#written;
  }

  /** By each format in turn. */
  #encode(batch: FlowBatch): void {
    this.#rows += batch.rows;
    const format = this.#formats[this.#batches++ % this.#formats.length] as RowFormat;
    const { bytes, ends, records } = format.encode(batch, 10);
    same('rows that are written', records, batch.rows);
    same('octets of messages', ends.at(-1) ?? 0, bytes.length);
  }

  #take({ bytes, ends, records }: EncodedBatch): void {
    this.#written += records;
    let start = 0;
    for (const end of ends) {
      if (end <= start) throw new Error('an empty message');
      if (this.#messages++ % PARSE_EVERY === 0) JSON.parse(bytes.toString('utf8', start, end));
      start = end;
    }
    if (start !== bytes.length) throw new Error('octets behind the last message');
  }
}

function same(what: string, counted: number, seen: number): void {
  if (counted !== seen) throw new Error(`${what}: ${counted} are counted, ${seen} came`);
}

function within(what: string, value: number, most: number): void {
  if (value < 0 || value > most) throw new Error(`${what}: ${value}, at most ${most} is allowed`);
}
