import { PROTOCOL_WORD, type ProtocolCounts } from './counters.ts';
import type { Delivery } from './delivery.ts';
import type { NetflowHeader } from './netflow-header.ts';
import type { NetflowSession } from './netflow-session.ts';
import type { PendingBook } from './pending-book.ts';
import type { MessageHeader } from './record-consumer.ts';
import type { RecordFinder } from './record-finder.ts';
import type { TemplateBook } from './template-book.ts';
import {
  isSameTemplate,
  readTemplateHead,
  TEMPLATE_HEADER,
  type TemplateShape,
  templateEnd,
} from './template-parser.ts';

/** Octets of a set's header: id and length. */
const SET_HEADER = 4;
const FIRST_DATA_SET = 256;

/** Sets with templates, by version and id (RFC 3954 section 5.1, RFC 7011 section 3.3.2). */
const TEMPLATE_SETS: Readonly<Record<9 | 10, ReadonlyMap<number, TemplateShape>>> = {
  9: new Map([
    [0, 'netflow9'],
    [1, 'netflow9-options'],
  ]),
  10: new Map([
    [2, 'ipfix'],
    [3, 'ipfix-options'],
  ]),
};

/** Walks the sets of a NetFlow v9 or IPFIX message. */
export class SetWalker {
  readonly #finder: RecordFinder;
  readonly #delivery: Delivery;
  readonly #templates: TemplateBook;
  readonly #pending: PendingBook;
  /** Data records of the message, options too; -1 when not all could be counted. */
  records = 0;
  #kept: MessageHeader | undefined;
  #sound = true;

  constructor(
    finder: RecordFinder,
    delivery: Delivery,
    templates: TemplateBook,
    pending: PendingBook,
  ) {
    this.#finder = finder;
    this.#delivery = delivery;
    this.#templates = templates;
    this.#pending = pending;
  }

  /**
   * Walks from behind the message's header.
   *
   * @returns whether nothing was malformed
   */
  walk(
    header: NetflowHeader,
    session: NetflowSession,
    from: number,
    end: number,
    counts: ProtocolCounts,
  ): boolean {
    const { view } = this.#finder;
    this.records = 0;
    this.#kept = undefined;
    this.#sound = true;
    let at = from;
    while (end - at >= SET_HEADER) {
      const id = view.getUint16(at);
      const length = view.getUint16(at + 2);
      if (length < SET_HEADER) {
        // Zeros behind the last set are padding; after any other such length nothing can be found.
        if (id !== 0 || length !== 0) this.#malformed('badSetLength', counts);
        else if (!this.#onlyZeros(at, end)) this.#malformed('badSetLength', counts);
        break;
      }
      if (length > end - at) this.#malformed('badSetLength', counts);
      const setEnd = Math.min(at + length, end);
      this.#set(header, session, id, at + SET_HEADER, setEnd, counts);
      at = setEnd;
    }
    return this.#sound;
  }

  #set(
    header: NetflowHeader,
    session: NetflowSession,
    id: number,
    at: number,
    end: number,
    counts: ProtocolCounts,
  ): void {
    if (id >= FIRST_DATA_SET) {
      this.#data(header, session, id, at, end, counts);
      return;
    }
    const shape = TEMPLATE_SETS[header.version === 10 ? 10 : 9].get(id);
    if (shape === undefined) counts.add('reservedSets');
    else this.#templateRecords(header, session, shape, at, end, counts);
  }

  #data(
    header: NetflowHeader,
    session: NetflowSession,
    id: number,
    at: number,
    end: number,
    counts: ProtocolCounts,
  ): void {
    const template = this.#templates.find(session, id, counts, header.receivedMs);
    if (template === undefined) {
      this.records = -1;
      counts.add('missingTemplate');
      if (!session.kept) {
        counts.add('pendingDropped');
        return;
      }
      this.#kept ??= header.snapshot();
      const bytes = this.#finder.bytes.slice(at, end);
      this.#pending.keep({ session, header: this.#kept, templateId: id, bytes }, counts);
      return;
    }
    const found = this.#delivery.set(header, session, template, at, end, counts);
    if (found < 0) this.#malformed('badRecord', counts);
    else if (this.records >= 0) this.records += found;
  }

  #templateRecords(
    header: NetflowHeader,
    session: NetflowSession,
    shape: TemplateShape,
    from: number,
    end: number,
    counts: ProtocolCounts,
  ): void {
    const { view } = this.#finder;
    const enterprise = header.version === 10;
    let at = from;
    while (end - at >= SET_HEADER) {
      if (enterprise && view.getUint16(at + 2) === 0) {
        this.#withdraw(session, view.getUint16(at), shape, counts);
        at += SET_HEADER;
        continue;
      }
      // Less than a header, or an id of 0, is padding.
      if (end - at < TEMPLATE_HEADER[shape] || view.getUint16(at) === 0) return;
      const to = templateEnd(view, at, end, readTemplateHead(view, at, shape), enterprise);
      if (to < 0) {
        this.#malformed('badTemplate', counts);
        return;
      }
      this.#templateRecord(header, session, shape, at, to, counts);
      at = to;
    }
  }

  #templateRecord(
    header: NetflowHeader,
    session: NetflowSession,
    shape: TemplateShape,
    at: number,
    end: number,
    counts: ProtocolCounts,
  ): void {
    const { view, bytes } = this.#finder;
    const known = session.templates.get(view.getUint16(at));
    if (known !== undefined && isSameTemplate(known, shape, bytes, at, end)) {
      counts.bump(PROTOCOL_WORD.templateRecords, 1);
      return;
    }
    const head = readTemplateHead(view, at, shape);
    if (head.id < FIRST_DATA_SET || head.fieldCount === 0 || head.scopeCount > head.fieldCount) {
      this.#malformed('badTemplate', counts);
      return;
    }
    counts.bump(PROTOCOL_WORD.templateRecords, 1);
    const record = bytes.subarray(at, end);
    this.#templates.learn(session, record, shape, counts, header.receivedMs);
  }

  /** A template record without fields (RFC 7011 section 8.1): of one template, or by the id of the set of all. */
  #withdraw(
    session: NetflowSession,
    id: number,
    shape: TemplateShape,
    counts: ProtocolCounts,
  ): void {
    const isOptions = shape === 'ipfix-options';
    if (id >= FIRST_DATA_SET) this.#templates.withdraw(session, id, counts);
    else if (id === (isOptions ? 3 : 2))
      this.#templates.withdrawAll(session, isOptions ? 'options' : 'data', counts);
    else if (id !== 0) this.#malformed('badTemplate', counts);
  }

  #malformed(key: 'badSetLength' | 'badTemplate' | 'badRecord', counts: ProtocolCounts): void {
    if (key === 'badRecord') this.records = -1;
    this.#sound = false;
    counts.add(key);
  }

  #onlyZeros(from: number, end: number): boolean {
    const { bytes } = this.#finder;
    for (let at = from; at < end; at++) if (bytes[at] !== 0) return false;
    return true;
  }
}
