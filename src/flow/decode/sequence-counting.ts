/**
 * What sequence numbers of a session count. By the standards: flows (v5), datagrams (v9), data records before the
 * message (IPFIX). But Huawei's NetStream counts datagrams in IPFIX, VMware the records of the message too, and some
 * exporters of v9 count records. So it is seen from the numbers themselves.
 */
export const COUNTS = { datagrams: 0, recordsBefore: 1, recordsWith: 2 } as const;
export type Counts = (typeof COUNTS)[keyof typeof COUNTS];

const MOST = 8;
/** By how much another way has to explain the numbers better. */
const BETTER = 4;
/** Steps that say nothing of how it is counted. */
const LONG_STEP = 4096;

/** Finds out which of them explains the numbers of a session best. */
export class SequenceCounting {
  /** What is thought now. */
  counts: Counts;
  readonly #scores: [number, number, number] = [0, 0, 0];

  constructor(counts: Counts) {
    this.counts = counts;
  }

  /**
   * Sees one step.
   *
   * @param step from the sequence number of the message before
   * @param before data records of the message before @param now of this one; -1 when they are not known
   * @returns whether it is thought differently now
   */
  see(step: number, before: number, now: number): boolean {
    if (step <= 0 || step > LONG_STEP || before < 0 || now < 0) return false;
    const isDatagram = step === 1;
    const isBefore = step === before;
    const isNow = step === now;
    // All of them, or none: that says nothing.
    if (isDatagram === isBefore && isBefore === isNow) return false;
    const scores = this.#scores;
    scores[COUNTS.datagrams] = scored(scores[COUNTS.datagrams], isDatagram);
    scores[COUNTS.recordsBefore] = scored(scores[COUNTS.recordsBefore], isBefore);
    scores[COUNTS.recordsWith] = scored(scores[COUNTS.recordsWith], isNow);
    const best = this.#best();
    if (scores[best] < scores[this.counts] + BETTER) return false;
    this.counts = best;
    return true;
  }

  #best(): Counts {
    const [datagrams, before, now] = this.#scores;
    if (datagrams >= before && datagrams >= now) return COUNTS.datagrams;
    return before >= now ? COUNTS.recordsBefore : COUNTS.recordsWith;
  }
}

function scored(score: number, isRight: boolean): number {
  if (isRight) return score < MOST ? score + 1 : score;
  return score > -MOST ? score - 1 : score;
}
