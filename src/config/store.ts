import { choice, WRITABLE_FILE } from './kinds.ts';
import type { SettingGroup, SettingValues } from './setting.ts';

/** Settings of what the service keeps. */
export const STORE_SETTINGS = {
  databasePath: {
    variable: 'COLLECTOR_DATABASE_PATH',
    meaning: 'the SQLite file that keeps the rules',
    kind: WRITABLE_FILE,
    default: 'data/collector.db',
  },
} as const satisfies SettingGroup;

/** Settings of what a process says. */
export const LOG_SETTINGS = {
  logLevel: {
    variable: 'COLLECTOR_LOG_LEVEL',
    meaning:
      'what is logged: this and what is graver; debug adds the settings at the start and changes of the host, trace nothing more',
    kind: choice(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']),
    default: 'info',
  },
} as const satisfies SettingGroup;

export type LogConfig = SettingValues<typeof LOG_SETTINGS>;
