import type { NameListener } from '../model/name-listener.ts';
import type { Packets } from '../model/packets.ts';
import { PROTOCOL_WORD, ProtocolCounts } from './counters.ts';
import type { DatagramWalker } from './datagram-walker.ts';
import { Delivery } from './delivery.ts';
import { DECODE_LIMITS, type DecodeLimits } from './limits.ts';
import { NetflowHeader } from './netflow-header.ts';
import type { NetflowSession } from './netflow-session.ts';
import { NETFLOW5_RECORD, NETFLOW5_TEMPLATE } from './netflow5.ts';
import { OptionsLearner } from './options-learner.ts';
import { PendingBook } from './pending-book.ts';
import type { MessageHeader, RecordConsumer } from './record-consumer.ts';
import { RecordFinder } from './record-finder.ts';
import { SessionTable } from './session-table.ts';
import { SetWalker } from './set-walker.ts';
import type { StateKeeper } from './state-keeper.ts';
import type { RecordSet, Template } from './template.ts';
import { TemplateBook } from './template-book.ts';

/** How often it is told that what is kept of a session is still in use. */
const ANNOUNCE_MS = 86_400_000;

export interface NetflowWalkerOptions {
  /** Memory of DECODE_COUNTERS (makeDecodeCounters). */
  readonly counters: Float64Array;
  /** Who gets the records, in this order. */
  readonly consumers: readonly RecordConsumer[];
  readonly limits?: Partial<DecodeLimits>;
  /** Where templates and what options said are kept beyond the life of this process. */
  readonly keeper?: StateKeeper;
  /** Who hears names of interfaces. */
  readonly names?: NameListener;
}

/** Walks messages of NetFlow v5, v9 and IPFIX: finds their records by templates, and hands these to consumers. */
export class NetflowWalker implements DatagramWalker {
  readonly #counts: Readonly<Record<5 | 9 | 10, ProtocolCounts>>;
  readonly #header = new NetflowHeader();
  readonly #finder = new RecordFinder();
  readonly #sessions: SessionTable;
  readonly #delivery: Delivery;
  readonly #pending: PendingBook;
  readonly #consumers: readonly RecordConsumer[];
  readonly #sets: SetWalker;
  readonly #templates: TemplateBook;
  readonly #learner: OptionsLearner;

  constructor({ counters, consumers, limits, keeper, names }: NetflowWalkerOptions) {
    const bounds = { ...DECODE_LIMITS, ...limits };
    this.#counts = {
      5: new ProtocolCounts(counters, 'netflow5'),
      9: new ProtocolCounts(counters, 'netflow9'),
      10: new ProtocolCounts(counters, 'ipfix'),
    };
    const learner = new OptionsLearner(names, keeper);
    this.#learner = learner;
    this.#sessions = new SessionTable(bounds, counters, {
      made: (exporter) => learner.restore(exporter),
      established: (session) => this.#templates.established(session),
      dropped: (session) => this.#forget(session),
      gone: (exporter) => learner.forgetExporter(exporter),
    });
    this.#templates = new TemplateBook(bounds, counters, this.#sessions, keeper);
    this.#consumers = consumers;
    this.#pending = new PendingBook(bounds, counters);
    this.#delivery = new Delivery([new LearningConsumer(learner), ...consumers], this.#finder);
    this.#sets = new SetWalker(this.#finder, this.#delivery, this.#templates, this.#pending);
  }

  datagram(packets: Packets, index: number): void {
    const header = this.#header;
    const finder = this.#finder;
    finder.use(packets.bytes);
    this.#delivery.reset();
    const whole = header.read(packets, index, finder.view);
    const counts = this.#counts[header.version];
    const at = packets.offsets[index] as number;
    const available = packets.lengths[index] as number;
    counts.bump(PROTOCOL_WORD.datagrams, 1);
    counts.bump(PROTOCOL_WORD.bytes, available);
    if (!whole || header.length < header.headerLength) {
      counts.add('truncated');
      return;
    }
    const session = this.#sessions.find(header);
    if (session.established && header.receivedMs - session.announcedMs > ANNOUNCE_MS) {
      this.#announce(session, header.receivedMs);
    }
    const from = at + header.headerLength;
    const sound =
      header.version === 5
        ? this.#netflow5(session, from, at + available, counts)
        : this.#messages(session, from, at, available, counts);
    this.#delivery.end();
    if (sound) counts.bump(PROTOCOL_WORD.decodedDatagrams, 1);
    session.sequence.see(counts, header, header.version === 5 ? header.count : this.#sets.records);
    if (this.#templates.arrived.length > 0) this.#decodePending(session, counts);
  }

  endBatch(): void {
    for (const consumer of this.#consumers) consumer.endBatch();
  }

  /** Ends all sessions, so that what is still open is counted. */
  stop(): void {
    this.#sessions.clear();
  }

  /** @returns whether nothing was malformed */
  #netflow5(session: NetflowSession, at: number, end: number, counts: ProtocolCounts): boolean {
    const header = this.#header;
    const there = Math.floor((end - at) / NETFLOW5_RECORD);
    if (header.count !== there) counts.add(header.count > there ? 'truncated' : 'badCount');
    const records = Math.min(header.count, there);
    if (records > 0)
      this.#delivery.set(
        header,
        session,
        NETFLOW5_TEMPLATE,
        at,
        at + records * NETFLOW5_RECORD,
        counts,
      );
    return header.count <= there;
  }

  #messages(
    session: NetflowSession,
    from: number,
    at: number,
    available: number,
    counts: ProtocolCounts,
  ): boolean {
    const { length } = this.#header;
    const sound = this.#sets.walk(
      this.#header,
      session,
      from,
      at + Math.min(length, available),
      counts,
    );
    if (length > available) counts.add('truncated');
    if (length < available) counts.add('badCount');
    return sound && length <= available;
  }

  /** Decodes the sets that have waited for templates which this datagram brought. */
  #decodePending(session: NetflowSession, counts: ProtocolCounts): void {
    for (const template of this.#templates.arrived.splice(0)) {
      for (const set of this.#pending.take(session.observationDomain, template.id)) {
        this.#finder.use(set.bytes);
        const { header } = set;
        if (this.#delivery.set(header, set.session, template, 0, set.bytes.length, counts) < 0)
          counts.add('badRecord');
        this.#delivery.end();
        counts.add('pendingDecoded');
      }
    }
  }

  /** What is kept of a session is still in use, or is now known to be of no stranger. */
  #announce(session: NetflowSession, nowMs: number): void {
    session.announcedMs = nowMs;
    this.#templates.announce(session);
    this.#learner.announce(session);
  }

  #forget(session: NetflowSession): void {
    const counts = this.#counts[session.version];
    session.sequence.close(counts);
    this.#templates.forget(session);
    this.#pending.forget(session, counts);
    this.#learner.forget(session);
  }
}

/** Lets options be learnt before other consumers get the records after them. */
class LearningConsumer implements RecordConsumer {
  readonly #learner: OptionsLearner;
  #session: NetflowSession | undefined;

  constructor(learner: OptionsLearner) {
    this.#learner = learner;
  }

  begin(_header: MessageHeader, session: NetflowSession): void {
    this.#session = session;
  }

  records(): void {}

  options(template: Template, set: RecordSet): void {
    if (this.#session !== undefined) this.#learner.learn(this.#session, template, set);
  }

  end(): void {}

  endBatch(): void {}
}
