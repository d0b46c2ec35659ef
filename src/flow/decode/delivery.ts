import type { ProtocolCounts } from './counters.ts';
import type { MessageHeader, RecordConsumer } from './record-consumer.ts';
import type { RecordFinder } from './record-finder.ts';
import type { Session } from './session.ts';
import type { Template } from './template.ts';

/** Hands the records of a message to consumers: `begin` before the first, `end` after the last. */
export class Delivery {
  readonly #consumers: readonly RecordConsumer[];
  readonly #finder: RecordFinder;
  #begun = false;

  constructor(consumers: readonly RecordConsumer[], finder: RecordFinder) {
    this.#consumers = consumers;
    this.#finder = finder;
  }

  /**
   * Hands on all records of a set.
   *
   * @param at behind the header of the set @param end of the set
   * @returns how many there were; -1 - n when the record after the nth is cut
   */
  set(
    header: MessageHeader,
    session: Session,
    template: Template,
    at: number,
    end: number,
    counts: ProtocolCounts,
  ): number {
    const finder = this.#finder;
    counts.add('sets');
    if (template.recordLength === 0) return 0;
    let records = 0;
    let to = at;
    for (;;) {
      to = finder.find(template, to, end);
      if (finder.count === 0) break;
      records += finder.count;
      if (!this.#begun) this.#begin(header, session);
      this.#handOn(template);
    }
    counts.add(template.kind === 'data' ? 'records' : 'optionRecords', records);
    // What is shorter than any record is padding.
    return end - to >= template.recordLength ? -1 - records : records;
  }

  /** Ends the message, if one was begun. */
  end(): void {
    if (!this.#begun) return;
    this.#begun = false;
    for (const consumer of this.#consumers) consumer.end();
  }

  #begin(header: MessageHeader, session: Session): void {
    this.#begun = true;
    for (const consumer of this.#consumers) consumer.begin(header, session);
  }

  #handOn(template: Template): void {
    for (const consumer of this.#consumers) {
      if (template.kind === 'data') consumer.records(template, this.#finder);
      else consumer.options(template, this.#finder);
    }
  }
}
