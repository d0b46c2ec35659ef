import { COMMON_WORD, type ProtocolCounts } from './counters.ts';
import type { DecodeLimits } from './limits.ts';
import type { NetflowSession, ObservationDomain } from './netflow-session.ts';
import type { MessageHeader } from './record-consumer.ts';

/** What keeping a set costs beside its octets. */
const OVERHEAD = 512;

/** A data set that came before its template, with all that it takes to decode it later. */
export interface PendingSet {
  readonly session: NetflowSession;
  readonly header: MessageHeader;
  readonly templateId: number;
  /** What is behind the header of the set. */
  readonly bytes: Uint8Array;
}

/** The data sets of all domains that wait for their template, bounded. */
export class PendingBook {
  readonly #limits: DecodeLimits;
  readonly #counters: Float64Array;
  #bytes = 0;

  constructor(limits: DecodeLimits, counters: Float64Array) {
    this.#limits = limits;
    this.#counters = counters;
  }

  /** Keeps a set of a session that is kept, in place of older ones of its domain when there are too many; or counts it as dropped. */
  keep(set: PendingSet, counts: ProtocolCounts): void {
    const { pendingBytes, pendingBytesPerDomain, pendingMs } = this.#limits;
    const cost = costOf(set);
    const { session } = set;
    const domain = session.observationDomain;
    const most = session.established ? pendingBytes : pendingBytes / 2;
    domain.pending ??= { sets: [], bytes: 0 };
    const { pending } = domain;
    const oldestMs = set.header.receivedMs - pendingMs;
    let tooMany = 0;
    let freed = 0;
    for (const old of pending.sets) {
      const isOld = old.header.receivedMs < oldestMs;
      if (!isOld && pending.bytes - freed + cost <= pendingBytesPerDomain) break;
      freed += costOf(old);
      tooMany++;
    }
    if (tooMany > 0) {
      pending.sets.splice(0, tooMany);
      counts.add('pendingDropped', tooMany);
      this.#account(domain, -freed);
    }
    if (cost > pendingBytesPerDomain || this.#bytes + cost > most) {
      counts.add('pendingDropped');
      return;
    }
    pending.sets.push(set);
    counts.add('pendingKept');
    this.#account(domain, cost);
  }

  /** Takes out the sets of a domain that wait for a template, oldest first. */
  take(domain: ObservationDomain, templateId: number): PendingSet[] {
    return this.#takeOut(domain, (set) => set.templateId === templateId);
  }

  /** Gives up the sets of a session. */
  forget(session: NetflowSession, counts: ProtocolCounts): void {
    const given = this.#takeOut(session.observationDomain, (set) => set.session === session);
    counts.add('pendingDropped', given.length);
  }

  #takeOut(domain: ObservationDomain, which: (set: PendingSet) => boolean): PendingSet[] {
    const { pending } = domain;
    if (pending === undefined) return [];
    const taken = pending.sets.filter(which);
    if (taken.length === 0) return taken;
    pending.sets = pending.sets.filter((set) => !which(set));
    this.#account(domain, -taken.reduce((sum, set) => sum + costOf(set), 0));
    if (pending.sets.length === 0) domain.pending = undefined;
    return taken;
  }

  #account(domain: ObservationDomain, bytes: number): void {
    if (domain.pending !== undefined) domain.pending.bytes += bytes;
    this.#bytes += bytes;
    this.#counters[COMMON_WORD.pendingBytes] = this.#bytes;
  }
}

function costOf({ bytes }: PendingSet): number {
  return bytes.length + OVERHEAD;
}
