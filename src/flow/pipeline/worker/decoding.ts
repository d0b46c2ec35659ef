import type { Packets } from '../../model/packets.ts';
import type { TemplateAnswer, TemplateAsk } from '../../templates/ask.ts';
import type { CounterGroup, ENRICH_COUNTERS, WorkerCounter } from '../counters.ts';

/** All that lies between datagrams and the producer: decoders, enrichment, format. */
export interface Decoding {
  /** Decodes a batch. Never throws, whatever it is. */
  decode(packets: Packets): void;
  /** Records in the batch that is being filled. */
  readonly rowsWaiting: number;
  /** Hands the batch on that is being filled. */
  flush(): void;
  counters(): CounterGroup<Exclude<WorkerCounter, 'busyMs'>>;
  enrichCounters(): Partial<CounterGroup<keyof typeof ENRICH_COUNTERS>>;
  /** Has what was learnt where other workers find it, and finds what they have. */
  keepState(): void;
  /** Asks for templates that are kept, or has some kept, of other nodes. */
  templates(ask: TemplateAsk): TemplateAnswer;
  /** Ends what it has begun; templates that were learnt are kept. */
  stop(): void;
}
