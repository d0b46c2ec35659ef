import type { Logger } from 'pino';
import type { SendLoss } from '../model/collector-status.ts';
import { type Endpoint, formatEndpoint } from '../model/endpoint.ts';
import type { KnownCounter } from './catalogue.ts';
import { type Loss, type Losses, lossesSince, sumLosses } from './losses.ts';
import type { ForwarderStatus } from './status.ts';

/** One of the latest losses. */
export interface LossEvent {
  /** The counter that counts it. */
  readonly kind: KnownCounter['key'];
  readonly exporter: Endpoint;
  /** Of copies that could not be sent, with their errno. */
  readonly collector?: Endpoint;
  readonly code?: string;
}

/** Who knows to whom what was lost. */
export interface LossNotes {
  sendLosses(): readonly SendLoss[];
  /** The latest since the last call. */
  newEvents(): readonly LossEvent[];
}

/** What was lost in one way since the last look, and by whom. */
export interface GrownLoss extends Loss {
  readonly collectors: readonly string[];
  readonly exporters: readonly string[];
}

/** So many names are told, then how many more there are. */
const MAX_NAMES = 5;

/**
 * Says in the log, one line per kind, which losses have grown since the last call: with those collectors and exporters
 * that are known to have lost, and what helps (spec S23).
 */
export class LossLog {
  readonly #log: Logger;
  readonly #notes: LossNotes;
  #last: Losses = new Map();
  /** Copies by collector and errno. */
  #lastCopies: ReadonlyMap<string, bigint> = new Map();

  constructor(log: Logger, notes: LossNotes) {
    this.#log = log;
    this.#notes = notes;
  }

  /** What was lost until now is known already: the counters were taken over from an earlier control. */
  skip(forwarders: readonly ForwarderStatus[]): void {
    this.#last = sumLosses(forwarders);
    this.#lastCopies = copiesByName(this.#notes.sendLosses());
    this.#notes.newEvents();
  }

  /** @returns what has grown */
  report(forwarders: readonly ForwarderStatus[]): readonly GrownLoss[] {
    const losses = sumLosses(forwarders);
    const grown = lossesSince(this.#last, losses);
    this.#last = losses;
    if (grown.length === 0) return [];
    const events = this.#notes.newEvents();
    const sendLosses = grown.some(isOfCopies) ? this.#grownSendLosses() : [];
    return grown.map((loss) => {
      const { kind, packets, advice } = loss;
      const { collectors, exporters } = attribution(loss, events, sendLosses);
      const details = {
        kind,
        packets: `${packets}`,
        total: `${losses.get(kind)?.packets}`,
        ...(collectors.length > 0 && { collectors: collectors.join(', ') }),
        ...(exporters.length > 0 && { exporters: exporters.join(', ') }),
        advice,
      };
      this.#log.warn(details, 'packets lost');
      return { ...loss, collectors, exporters };
    });
  }

  /** With what was added since the last call. */
  #grownSendLosses(): SendLoss[] {
    const all = this.#notes.sendLosses();
    const before = this.#lastCopies;
    this.#lastCopies = copiesByName(all);
    return all.flatMap((loss) => {
      const copies = loss.copies - (before.get(nameOf(loss)) ?? 0n);
      return copies > 0n ? [{ ...loss, copies }] : [];
    });
  }
}

/** Losses of copies are noted by collector. */
function isOfCopies({ key }: Loss): boolean {
  return key === 'sendErrors' || key === 'refusals';
}

/** Whose packets were lost, and on the way to whom; only what is known. */
function attribution(
  loss: Loss,
  events: readonly LossEvent[],
  sendLosses: readonly SendLoss[],
): Pick<GrownLoss, 'collectors' | 'exporters'> {
  const { key, code } = loss;
  const ofKind = events.filter((event) => event.kind === key && event.code === code);
  const ofCode = sendLosses
    .filter((noted) => isOfCopies(loss) && noted.code === code)
    .sort((one, other) => Number(other.copies - one.copies));
  const collectors = ofCode.map((noted) => `${formatEndpoint(noted.collector)} (${noted.copies})`);
  const known = [...ofCode, ...ofKind].flatMap(({ exporter }) => exporter ?? []);
  const exporters = [...new Set(known.map(formatEndpoint))];
  return { collectors: listed(collectors), exporters: listed(exporters) };
}

/** The first few; the last of those says how many more there are. */
function listed(names: readonly string[]): string[] {
  const few = names.slice(0, MAX_NAMES);
  const rest = names.length - few.length;
  return rest > 0 ? few.with(-1, `${few.at(-1)} and ${rest} more`) : few;
}

function nameOf({ collector, code }: SendLoss): string {
  return `${formatEndpoint(collector)} ${code}`;
}

function copiesByName(losses: readonly SendLoss[]): ReadonlyMap<string, bigint> {
  return new Map(losses.map((loss) => [nameOf(loss), loss.copies]));
}
