import { invalidInput } from '../../base/errors.ts';
import { EVENT_KINDS, type Event, type EventSource } from '../../model/events.ts';
import { fromEvent } from '../../protocol/view-codec.ts';
import type { EventsPageMessage, WatchEventsRequestMessage } from '../../protocol/view-messages.ts';
import { Alarm } from '../alarm.ts';
import type { StreamHandler } from '../method.ts';

/** Events of a message. */
const EVENTS_PER_PAGE = 256;

/** The handler of WatchEvents (spec S41). Nothing waits for those who read slowly: they go on with what is kept. */
export function watchEvents(events: EventSource): StreamHandler<WatchEventsRequestMessage> {
  return async function* watch(request, { signal: gone, stopping }) {
    const { wanted, follow, after } = readRequest(request);
    const signal = AbortSignal.any([gone, stopping]);
    const alarm = new Alarm((ring) => events.subscribe(ring), signal);
    let known = after;
    try {
      for (let isFirst = true; !signal.aborted; isFirst = false) {
        alarm.reset();
        const { events: found, missed } = events.after(known, EVENTS_PER_PAGE);
        known = found.at(-1)?.number ?? known;
        const page = pageOf(found.filter(wanted), missed);
        if (isFirst || page.events.length > 0 || missed > 0) yield page;
        if (found.length === EVENTS_PER_PAGE) continue;
        if (!follow) return;
        await alarm.wait();
      }
    } finally {
      alarm.end();
    }
  };
}

interface Wish {
  readonly wanted: (event: Event) => boolean;
  readonly follow: boolean;
  readonly after: number | undefined;
}

/** @throws FloxyError INVALID_INPUT */
function readRequest({ kinds = [], after, follow = false }: WatchEventsRequestMessage): Wish {
  const unknown = kinds.findIndex((kind) => !Object.hasOwn(EVENT_KINDS, kind));
  if (unknown >= 0) {
    throw invalidInput([{ path: `kinds[${unknown}]`, message: 'there is no such kind of event' }]);
  }
  const number = after === undefined ? undefined : Number(after);
  if (number !== undefined && !Number.isSafeInteger(number)) {
    throw invalidInput([{ path: 'after', message: 'no event has such a number' }]);
  }
  const chosen = new Set<string>(kinds);
  const wanted = ({ kind }: Event) => chosen.size === 0 || chosen.has(kind);
  return { wanted, follow, after: number };
}

function pageOf(events: readonly Event[], missed: number): EventsPageMessage {
  return { events: events.map(fromEvent), ...(missed > 0 && { missed: `${missed}` }) };
}
