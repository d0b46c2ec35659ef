import type { z } from 'zod';
import type { RecordConsumer } from '../../decode/record-consumer.ts';
import type { SflowConsumer } from '../../decode/sflow/consumer.ts';
import {
  createVflowJson,
  type VflowJson,
  type vflowOptions,
} from '../../format/vflow/vflow-json.ts';
import type { FlowPath } from './flow-path.ts';
import type { Writing } from './writing.ts';

/** Datagrams are written as vFlow's JSON, without rows: nothing is enriched. */
export class VflowWriting implements Writing {
  readonly netflow: RecordConsumer;
  readonly sflow: SflowConsumer;
  readonly #json: VflowJson;

  /** @throws Error when the file of elements cannot be used */
  constructor(options: z.infer<typeof vflowOptions>, path: FlowPath) {
    this.#json = createVflowJson(options, {
      handOn: (batch) => path.messages(batch),
      keyed: true,
    });
    this.netflow = this.#json.netflow;
    this.sflow = this.#json.sflow;
  }

  get waiting(): number {
    return this.#json.waiting;
  }

  flush(): void {
    this.#json.flush();
  }
}
