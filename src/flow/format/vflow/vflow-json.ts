import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { RecordConsumer } from '../../decode/record-consumer.ts';
import type { SflowConsumer } from '../../decode/sflow/consumer.ts';
import { ElementRegistry } from '../../elements/elements.ts';
import { parseElementMapping } from '../../elements/mapping.ts';
import type { EncodedBatch } from '../../model/encoded-batch.ts';
import type { FlowProtocol } from '../../model/packets.ts';
import { MessageBuffer } from './message-buffer.ts';
import { NetflowVflowJson } from './netflow.ts';
import { SflowVflowJson } from './sflow.ts';

/** Its part of a pipeline's configuration: `format: { kind: vflow, elements: FILE }`. */
export const vflowOptions = z.strictObject({
  /** File of the user's own elements, in the form of vFlow's `ipfix.elements`. */
  elements: z.string().min(1).optional(),
});

/** @throws Error that says what is wrong with the file of elements, and where */
export function createVflowJson(
  { elements }: z.infer<typeof vflowOptions>,
  made: Omit<VflowJsonOptions, 'elements'>,
): VflowJson {
  if (elements === undefined) return new VflowJson(made);
  const own = parseElementMapping(readFileSync(elements, 'utf8'), elements);
  return new VflowJson({ ...made, elements: new ElementRegistry(own) });
}

export interface VflowJsonOptions {
  /** Takes messages of one protocol; their memory is taken back when it returns. */
  readonly handOn: (batch: EncodedBatch) => void;
  /** Whether messages get the exporter's address as key. */
  readonly keyed: boolean;
  /** Information elements; absent: those that are known. */
  readonly elements?: ElementRegistry;
}

/**
 * Writes datagrams as vFlow's JSON: a message for each datagram that has records, with vFlow's keys in its order, but
 * always valid JSON. What differs is in docs/from-vflow.md.
 */
export class VflowJson {
  /** For the walker of NetFlow v5, v9 and IPFIX. */
  readonly netflow: RecordConsumer;
  /** For the walker of sFlow v5. */
  readonly sflow: SflowConsumer;
  readonly #buffers: readonly MessageBuffer[];

  constructor({ handOn, keyed, elements = new ElementRegistry() }: VflowJsonOptions) {
    const bufferOf = (protocol: FlowProtocol) => new MessageBuffer(protocol, handOn, { keyed });
    const buffers = { 5: bufferOf('netflow5'), 9: bufferOf('netflow9'), 10: bufferOf('ipfix') };
    const sflow = bufferOf('sflow');
    this.netflow = new NetflowVflowJson(buffers, elements);
    this.sflow = new SflowVflowJson(sflow);
    this.#buffers = [...Object.values(buffers), sflow];
  }

  /** Records in messages that have not been handed on. */
  get waiting(): number {
    return this.#buffers.reduce((sum, { records }) => sum + records, 0);
  }

  /** Hands on all messages. Not within a datagram. */
  flush(): void {
    for (const buffer of this.#buffers) buffer.flush();
  }
}
