import type { EventSink } from '../model/events.ts';
import type { GrownLoss } from './loss-log.ts';

/** So many in one look are told at once. */
const MANY = 100n;
/** Of fewer, looks in a row with losses … */
const LOSSY_LOOKS = 2;
/** … and without, until they are over. */
const QUIET_LOOKS = 6;

interface Growing {
  lossyLooks: number;
  quietLooks: number;
  packets: bigint;
  isTold: boolean;
  readonly sinceMs: number;
}

/** Tells when losses of one kind begin to grow, and when they have ended: a single lost packet is neither. */
export class LossEvents {
  readonly #events: EventSink;
  readonly #now: () => number;
  readonly #growing = new Map<string, Growing>();

  /** @param now milliseconds; replaced in tests */
  constructor(events: EventSink, now: () => number = () => performance.now()) {
    this.#events = events;
    this.#now = now;
  }

  /** @param losses what was lost since the look before */
  look(losses: readonly GrownLoss[]): void {
    const kinds = new Set(losses.map(({ kind }) => kind));
    for (const [kind, growing] of this.#growing) if (!kinds.has(kind)) this.#quiet(kind, growing);
    for (const loss of losses) this.#lost(loss);
  }

  #lost(loss: GrownLoss): void {
    const { kind, packets } = loss;
    const growing = this.#growing.get(kind) ?? this.#begin(kind);
    growing.lossyLooks++;
    growing.quietLooks = 0;
    growing.packets += packets;
    if (growing.isTold || (growing.lossyLooks < LOSSY_LOOKS && packets < MANY)) return;
    growing.isTold = true;
    const { advice, collectors, exporters } = loss;
    const cause = `${growing.packets} lost until now`;
    this.#events.emit({
      kind: 'LossesGrowing',
      subject: kind,
      cause,
      advice,
      collectors,
      exporters,
    });
  }

  #begin(kind: string): Growing {
    const begun = {
      lossyLooks: 0,
      quietLooks: 0,
      packets: 0n,
      isTold: false,
      sinceMs: this.#now(),
    };
    this.#growing.set(kind, begun);
    return begun;
  }

  #quiet(kind: string, growing: Growing): void {
    growing.quietLooks++;
    growing.lossyLooks = 0;
    if (growing.isTold && growing.quietLooks < QUIET_LOOKS) return;
    this.#growing.delete(kind);
    if (!growing.isTold) return;
    const seconds = Math.round((this.#now() - growing.sinceMs) / 1000);
    const cause = `${growing.packets} were lost; it began ${seconds} s ago`;
    this.#events.emit({ kind: 'LossesOver', subject: kind, cause });
  }
}
