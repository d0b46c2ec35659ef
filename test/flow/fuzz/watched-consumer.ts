import type { RecordConsumer } from '../../../src/flow/decode/record-consumer.ts';
import {
  type RecordSet,
  type Template,
  VARIABLE_LENGTH,
  variableEnd,
  variableStart,
} from '../../../src/flow/decode/template.ts';
import type { Packets } from '../../../src/flow/model/packets.ts';

/** Sees that no record is handed on that is not there: each lies within its datagram, behind the one before it. */
export class WatchedConsumer implements RecordConsumer {
  /** Flow and option records. */
  count = 0;
  readonly #packets: Packets;
  #isOpen = false;

  constructor(packets: Packets) {
    this.#packets = packets;
  }

  begin(): void {
    if (this.#isOpen) throw new Error('a message begins within another one');
    this.#isOpen = true;
  }

  records(template: Template, set: RecordSet): void {
    if (!this.#isOpen) throw new Error('records outside of a message');
    const isOwn = set.bytes === this.#packets.bytes;
    const start = isOwn ? (this.#packets.offsets[0] as number) : 0;
    const end = isOwn ? start + (this.#packets.lengths[0] as number) : set.bytes.length;
    let before = start;
    for (let i = 0; i < set.count; i++) {
      const from = set.positions[i] as number;
      const to = endOf(template, set, i);
      if (from < before || to > end || to <= from) {
        throw new Error(`record ${i} of template ${template.id}: ${from} to ${to} of ${end}`);
      }
      before = to;
    }
    this.count += set.count;
  }

  options(template: Template, set: RecordSet): void {
    if (template.kind !== 'options') throw new Error('options of a template of data');
    this.records(template, set);
  }

  end(): void {
    if (!this.#isOpen) throw new Error('a message ends that has not begun');
    this.#isOpen = false;
  }

  endBatch(): void {}
}

/** Where record i ends, by each of its fields. */
function endOf({ fields }: Template, set: RecordSet, i: number): number {
  const { bytes, positions, stride } = set;
  let end = positions[i] as number;
  for (const { run, offset, length } of fields) {
    const at = (positions[run * stride + i] as number) + offset;
    const from = length === VARIABLE_LENGTH ? variableStart(bytes, at) : at;
    const to = length === VARIABLE_LENGTH ? variableEnd(bytes, at) : at + length;
    if (at !== end) throw new Error(`a field begins at ${at}, the one before it ends at ${end}`);
    if (from > to) throw new Error('a field ends before it begins');
    end = to;
  }
  return end;
}
