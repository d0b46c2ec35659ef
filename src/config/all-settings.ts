import { ANNOUNCE_SETTINGS } from './announce.ts';
import { API_SETTINGS } from './api.ts';
import { FOLLOW_SETTINGS } from './follow.ts';
import { METRICS_SETTINGS } from './metrics.ts';
import { PIPELINE_SETTINGS } from './pipelines.ts';
import { PROXY_SETTINGS } from './proxy.ts';
import { RULES_FILE_SETTINGS } from './rules-file.ts';
import type { SettingGroup } from './setting.ts';
import { LOG_SETTINGS, STORE_SETTINGS } from './store.ts';

/** All settings, by their titles in docs/settings.md. */
export const ALL_SETTINGS: Readonly<Record<string, SettingGroup>> = {
  Proxy: PROXY_SETTINGS,
  Pipelines: PIPELINE_SETTINGS,
  'Rules of a file': RULES_FILE_SETTINGS,
  'Following another node': FOLLOW_SETTINGS,
  'gRPC API': API_SETTINGS,
  Metrics: METRICS_SETTINGS,
  'Database and log': { ...STORE_SETTINGS, ...LOG_SETTINGS },
  Announcer: ANNOUNCE_SETTINGS,
};

/** The names of all variables. */
export const KNOWN_VARIABLES: readonly string[] = Object.values(ALL_SETTINGS).flatMap((group) =>
  Object.values(group).map(({ variable }) => variable),
);
