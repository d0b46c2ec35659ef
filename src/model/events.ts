/** What happens on a node and operators want to know: told once each, in the log, to watchers and as metrics (spec S40). */

export interface EventMeaning {
  /** What happened, in a few words: the message of the log. */
  readonly title: string;
  /** Whether it is bad news: a warning in the log. */
  readonly isTrouble: boolean;
  /** The log has a line of its own for it, by who noticed it. */
  readonly hasLine?: boolean;
}

/** All kinds. Their names are those of the API. */
export const EVENT_KINDS = {
  CollectorDown: { title: 'a collector is down', isTrouble: true },
  CollectorUp: { title: 'a collector is up again', isTrouble: false },
  ExporterSilent: { title: 'an exporter is silent', isTrouble: true },
  ExporterBack: { title: 'an exporter sends again', isTrouble: false },
  ExporterNew: { title: 'an exporter is new', isTrouble: false },
  LossesGrowing: { title: 'losses are growing', isTrouble: true },
  LossesOver: { title: 'losses have ended', isTrouble: false },
  StateChanged: { title: 'the service is in another state', isTrouble: true, hasLine: true },
  RulesChanged: { title: 'other rules are in force', isTrouble: false, hasLine: true },
} as const satisfies Readonly<Record<string, EventMeaning>>;

export type EventKind = keyof typeof EVENT_KINDS;

export const EVENT_NAMES = Object.keys(EVENT_KINDS) as readonly EventKind[];

/** How many there were of each kind. */
export type EventCounts = ReadonlyMap<EventKind, number>;

/** What is told of an event by who has noticed it. */
export interface NewEvent {
  readonly kind: EventKind;
  /**
   * What it is about, as it is printed everywhere: the endpoint of a collector or an exporter, the exporter of a rule
   * (`exporterKey()`), a kind of loss, a subsystem.
   */
  readonly subject: string;
  /** The exporter of the rule that it is about. */
  readonly rule?: string | undefined;
  /** Of that rule, or of the collector. */
  readonly description?: string | undefined;
  /** Endpoints of collectors and exporters that are concerned besides the subject: a few of them. */
  readonly collectors?: readonly string[] | undefined;
  readonly exporters?: readonly string[] | undefined;
  /** Why, in words: `2 of 2 ICMP echo requests were not answered in 1 s`. */
  readonly cause?: string | undefined;
  /** What to do. */
  readonly advice?: string | undefined;
}

export interface Event extends NewEvent {
  /** Grows with each event, also over restarts of the service: a later one has a greater number. */
  readonly number: number;
  readonly at: Date;
}

/** Takes what has happened. Never fails, never waits. */
export interface EventSink {
  emit(event: NewEvent): void;
}

export interface EventSelection {
  /** Oldest first. */
  readonly events: readonly Event[];
  /** How many came after the one that is known, and are not kept any more. */
  readonly missed: number;
}

/** Tells what has happened. */
export interface EventSource {
  /**
   * @param number of the last event that is known; absent: all that are kept
   * @param limit the oldest so many of them
   */
  after(number: number | undefined, limit: number): EventSelection;
  /** Calls the listener after each event. It may not throw. @returns what ends it */
  subscribe(listener: (event: Event) => void): () => void;
}
