import type { EffectiveSetting } from '../../config/config.ts';
import type { Control } from '../../control/control.ts';
import type { EventSource } from '../../model/events.ts';
import type { CallContext } from '../call-context.ts';
import type { RequestLimits } from '../method.ts';
import { type Entries, SMALL, type StreamEntry } from '../services.ts';
import { WatcherPlaces } from '../watcher-places.ts';
import { watchEvents } from './events.ts';
import { type Explaining, explainExporter } from './explain.ts';
import { listRules, listStats } from './lists.ts';
import { type OverviewSources, overviews } from './overview.ts';
import { watchTraffic } from './traffic.ts';

/** Filters are small. */
export const FILTERED: RequestLimits = { maxBytes: 32 * 1024, maxItems: 256 };

/** Callers that list at the same time, those that look at traffic, and those that wait for events. */
export const MAX_LISTS = 32;
const MAX_TRAFFIC_WATCHERS = 32;
const MAX_EVENT_WATCHERS = 64;

/** What View tells besides what control knows. */
export interface Surroundings
  extends Pick<OverviewSources, 'startedAt' | 'listening' | 'history' | 'exporters'> {
  /** By which the service runs. */
  readonly settings: readonly EffectiveSetting[];
  readonly events: EventSource;
  readonly explaining: Explaining;
}

interface ViewSources extends OverviewSources, Surroundings {
  readonly control: OverviewSources['control'] & Pick<Control, 'unfit' | 'statisticsOf'>;
}

/** The handlers of collector.proto.View that answer once. */
export function viewEntries(sources: ViewSources): Entries {
  const overview = overviews(sources);
  return {
    GetOverview: {
      role: 'viewer',
      limits: SMALL,
      handler: async (_request: object, { work }: CallContext) => ({
        parts: [await work(overview)],
      }),
    },
    GetServiceSettings: {
      role: 'viewer',
      limits: SMALL,
      handler: () => ({ parts: [{ settings: sources.settings }] }),
    },
    ExplainExporter: { role: 'viewer', limits: SMALL, handler: explainExporter(sources) },
  };
}

/** The handlers of collector.proto.View that answer with a stream. */
export function viewStreams(
  control: Control,
  events: EventSource,
): Readonly<Record<string, StreamEntry>> {
  const lists = new WatcherPlaces(MAX_LISTS);
  const watchers = new WatcherPlaces(MAX_TRAFFIC_WATCHERS);
  const waiting = new WatcherPlaces(MAX_EVENT_WATCHERS);
  const entry = (handler: StreamEntry['handler']): StreamEntry => ({
    role: 'viewer',
    limits: FILTERED,
    handler,
  });
  return {
    ListRules: entry(lists.limit(listRules(control))),
    ListStats: entry(lists.limit(listStats(control))),
    WatchTraffic: entry(watchers.limit(watchTraffic(control))),
    WatchEvents: entry(waiting.limit(watchEvents(events))),
  };
}
