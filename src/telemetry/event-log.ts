import type { Logger } from 'pino';
import {
  EVENT_KINDS,
  EVENT_NAMES,
  type Event,
  type EventCounts,
  type EventKind,
  type EventMeaning,
  type EventSelection,
  type EventSink,
  type EventSource,
  type NewEvent,
} from '../model/events.ts';

/** Of some 300 bytes each. */
const KEPT = 4096;

export interface EventLogOptions {
  readonly log: Logger;
  /** How many events are kept. */
  readonly kept?: number;
  /** Milliseconds since 1970; replaced in tests. */
  readonly now?: () => number;
}

/**
 * The latest events of this node (spec S40). Each is a line in the log, unless there is one already, is counted, and is
 * told to those who listen. Who was away asks for what came after the last one that it knows.
 */
export class EventLog implements EventSink, EventSource {
  readonly #log: Logger;
  readonly #kept: number;
  readonly #now: () => number;
  /** The event numbered n is at n % kept. */
  readonly #events: Event[] = [];
  readonly #listeners = new Set<(event: Event) => void>();
  readonly #counts = new Map<EventKind, number>();
  /** The number before the first one: no event of a service that ran before has a greater one. */
  readonly #begin: number;
  #last: number;

  constructor({ log, kept = KEPT, now = Date.now }: EventLogOptions) {
    this.#log = log;
    this.#kept = kept;
    this.#now = now;
    // There is less than one event a millisecond.
    this.#begin = now();
    this.#last = this.#begin;
  }

  /** How many there were since the service started, of each kind. */
  get counts(): EventCounts {
    return new Map(EVENT_NAMES.map((kind) => [kind, this.#counts.get(kind) ?? 0]));
  }

  emit(told: NewEvent): void {
    const event: Event = { ...told, number: ++this.#last, at: new Date(this.#now()) };
    this.#events[event.number % this.#kept] = event;
    this.#counts.set(event.kind, (this.#counts.get(event.kind) ?? 0) + 1);
    this.#write(event);
    for (const listener of this.#listeners) listener(event);
  }

  after(number = this.#begin, limit = this.#kept): EventSelection {
    // Numbers that no event of this service has are those of one before: all that is kept is news.
    const known = number > this.#last ? this.#begin : Math.max(number, this.#begin);
    const first = Math.max(known, this.#last - this.#kept) + 1;
    const events: Event[] = [];
    for (let at = first; at <= this.#last && events.length < limit; at++) {
      const event = this.#events[at % this.#kept];
      if (event !== undefined) events.push(event);
    }
    return { events, missed: first - known - 1 };
  }

  subscribe(listener: (event: Event) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #write({ kind, number, at: _, subject, exporters, collectors, ...event }: Event): void {
    const { title, isTrouble, hasLine }: EventMeaning = EVENT_KINDS[kind];
    if (hasLine) return;
    const names = {
      ...(exporters && { exporters: exporters.join(', ') }),
      ...(collectors && { collectors: collectors.join(', ') }),
    };
    const known = Object.entries({ ...event, ...names }).filter(([, value]) => value !== undefined);
    const details = { event: kind, number, subject, ...Object.fromEntries(known) };
    if (isTrouble) this.#log.warn(details, title);
    else this.#log.info(details, title);
  }
}
