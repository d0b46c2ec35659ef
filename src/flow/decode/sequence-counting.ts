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
    const scores = this.#scores;
    const ways = [step === 1, step === before, step === now] as const;
    // All of them, or none: that says nothing.
    if (ways[0] === ways[1] && ways[1] === ways[2]) return false;
    for (const way of [0, 1, 2] as const) {
      scores[way] = Math.max(-MOST, Math.min(MOST, scores[way] + (ways[way] ? 1 : -1)));
    }
    const best = scores.indexOf(Math.max(...scores)) as Counts;
    if (scores[best] < scores[this.counts] + BETTER) return false;
    this.counts = best;
    return true;
  }
}
