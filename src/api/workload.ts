import { Budget } from './budget.ts';

/** What is smaller costs so little that nobody waits for room. */
export const SMALL_BYTES = 64 * 1024;

const MIB = 1024 * 1024;

export interface WorkloadLimits {
  readonly requestBytes: number;
  readonly answerBytes: number;
  readonly jobs: number;
  /** Long answers of one connection at once, from their making until the client has read them. */
  readonly longCalls: number;
  /** What waits for room longer than this is refused. */
  readonly waitMs: number;
}

/** What all clients together can make this process do and keep at the same time. */
export class Workload {
  /** Of requests that may be larger than SMALL_BYTES, until the end of the call; the largest until they are there. */
  readonly requests: Budget;
  /** Of answers larger than SMALL_BYTES, until the client has read them. */
  readonly answers: Budget;
  /** Decoding, collecting and encoding at once: the others wait, and the changes of rules at work do not. */
  readonly work: Budget;
  readonly #longCalls = new WeakMap<object, Budget>();
  readonly #maxLongCalls: number;
  readonly #waitLimitMs: number;

  constructor(limits: Partial<WorkloadLimits> = {}) {
    const { requestBytes = 256 * MIB, answerBytes = 128 * MIB, jobs = 4, longCalls = 2 } = limits;
    const { waitMs: waitLimitMs = 20_000 } = limits;
    this.#maxLongCalls = longCalls;
    this.#waitLimitMs = waitLimitMs;
    this.requests = new Budget({ limit: requestBytes, waitLimitMs, of: 'bytes of requests' });
    this.answers = new Budget({ limit: answerBytes, waitLimitMs, of: 'bytes of unread answers' });
    this.work = new Budget({ limit: jobs, waitLimitMs, of: 'jobs' });
  }

  /** Of one connection. */
  longCallsOf(connection: object): Budget {
    const known = this.#longCalls.get(connection);
    if (known !== undefined) return known;
    const of = 'long answers of a connection';
    const made = new Budget({ limit: this.#maxLongCalls, waitLimitMs: this.#waitLimitMs, of });
    this.#longCalls.set(connection, made);
    return made;
  }
}
