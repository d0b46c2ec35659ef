import type { RecordConsumer } from '../../decode/record-consumer.ts';
import type { SflowConsumer } from '../../decode/sflow/consumer.ts';

/** Writes what walkers find as messages of one format, and hands them on when a batch of them is full. */
export interface Writing {
  readonly netflow: RecordConsumer;
  readonly sflow: SflowConsumer;
  /** Records that have not been handed on. */
  readonly waiting: number;
  /** Hands on what waits. */
  flush(): void;
}
