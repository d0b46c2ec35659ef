import type { EffectiveSetting } from '../../config/config.ts';
import { type Entries, SMALL } from '../services.ts';
import { type OverviewSources, overviewOf } from './overview.ts';

/** What View tells besides what control knows. */
export interface Surroundings extends Pick<OverviewSources, 'startedAt' | 'listening' | 'history'> {
  /** By which the service runs. */
  readonly settings: readonly EffectiveSetting[];
}

/** The handlers of collector.proto.View that answer once. */
export function viewEntries(sources: OverviewSources & Surroundings): Entries {
  return {
    GetOverview: {
      role: 'viewer',
      limits: SMALL,
      handler: () => ({ parts: [overviewOf(sources)] }),
    },
    GetServiceSettings: {
      role: 'viewer',
      limits: SMALL,
      handler: () => ({ parts: [{ settings: sources.settings }] }),
    },
  };
}
