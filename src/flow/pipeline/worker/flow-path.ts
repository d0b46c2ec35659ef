import { messageOf } from '../../../base/errors.ts';
import type { EncodedBatch } from '../../model/encoded-batch.ts';
import type { FlowBatch } from '../../model/flow-batch.ts';
import type { Producer } from '../../model/producer.ts';
import type { WorkerCounter } from '../counters.ts';
import type { SeldomLog } from './seldom-log.ts';

/** What the path counts itself. */
type PathCounter = Exclude<
  WorkerCounter,
  'crashedDatagrams' | 'datagrams' | 'rowsWaiting' | 'busyMs'
>;

/** Offers what was decoded to the producer, and keeps the accounts. */
export class FlowPath {
  readonly counters: Record<PathCounter, number> = {
    batches: 0,
    rows: 0,
    rowsFailed: 0,
    messages: 0,
    messageBytes: 0,
  };
  readonly #producer: Pick<Producer, 'offer'>;
  readonly #seldom: SeldomLog;

  constructor(producer: Pick<Producer, 'offer'>, seldom: SeldomLog) {
    this.#producer = producer;
    this.#seldom = seldom;
  }

  /** Encodes rows and offers them. Never throws: what goes wrong is counted and told. */
  rows(batch: FlowBatch, encode: (batch: FlowBatch) => EncodedBatch): void {
    const { rows } = batch;
    this.counters.rows += rows;
    let encoded: EncodedBatch;
    try {
      encoded = encode(batch);
    } catch (error) {
      this.counters.rowsFailed += rows;
      const stack = error instanceof Error ? error.stack : undefined;
      this.#seldom.error(
        { error: messageOf(error), stack, rows },
        'flow records could not be encoded: please report it',
      );
      return;
    }
    this.#offer(encoded);
  }

  /** Offers messages that were made without rows. */
  messages(encoded: EncodedBatch): void {
    this.counters.rows += encoded.records;
    this.#offer(encoded);
  }

  #offer(encoded: EncodedBatch): void {
    const { counters } = this;
    counters.batches++;
    counters.messages += encoded.ends.length;
    counters.messageBytes += encoded.bytes.length;
    this.#producer.offer(encoded);
  }
}
