import { PROTOCOL_WORD, type ProtocolCounts } from './counters.ts';
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
    counts.bump(PROTOCOL_WORD.sets, 1);
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
    const { records: data, optionRecords } = PROTOCOL_WORD;
    counts.bump(template.kind === 'data' ? data : optionRecords, records);
    // What is shorter than any record is padding.
    return end - to >= template.recordLength ? -1 - records : records;
  }

  /** Forgets a message that a fault has broken off. */
  reset(): void {
    this.#begun = false;
  }

  /** Ends the message, if one was begun. */
  end(): void {
    if (!this.#begun) return;
    this.#begun = false;
    const consumers = this.#consumers;
    for (let i = 0; i < consumers.length; i++) consumers[i]?.end();
  }

  #begin(header: MessageHeader, session: Session): void {
    this.#begun = true;
    const consumers = this.#consumers;
    for (let i = 0; i < consumers.length; i++) consumers[i]?.begin(header, session);
  }

  #handOn(template: Template): void {
    const consumers = this.#consumers;
    const finder = this.#finder;
    const isData = template.kind === 'data';
    for (let i = 0; i < consumers.length; i++) {
      if (isData) consumers[i]?.records(template, finder);
      else consumers[i]?.options(template, finder);
    }
  }
}
