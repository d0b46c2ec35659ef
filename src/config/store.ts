import { choice, integer, WRITABLE_FILE } from './kinds.ts';
import type { SettingGroup, SettingValues } from './setting.ts';

const GIB = 1024 ** 3;

/** Settings of what the service keeps. */
export const STORE_SETTINGS = {
  databasePath: {
    variable: 'COLLECTOR_DATABASE_PATH',
    meaning: 'the SQLite file that keeps the rules',
    kind: WRITABLE_FILE,
    default: 'data/collector.db',
  },
  historyRevisions: {
    variable: 'COLLECTOR_HISTORY_REVISIONS',
    meaning: 'how many revisions of the rules are kept, to be told and to go back to',
    kind: integer(1, 100_000),
    default: '1000',
  },
  historyBytes: {
    variable: 'COLLECTOR_HISTORY_BYTES',
    meaning:
      'bytes on disk for what undoes changes of the rules; the oldest revisions go when it is more. Replacing 100,000 rules by others takes about 1 MB',
    kind: integer(0, 64 * GIB),
    default: '67108864',
  },
} as const satisfies SettingGroup;

/** Settings of what a process says. */
export const LOG_SETTINGS = {
  logLevel: {
    variable: 'COLLECTOR_LOG_LEVEL',
    meaning:
      'what is logged: this and what is graver; debug adds the settings at the start, changes of the host and calls of the API, trace those that ask for health',
    kind: choice(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']),
    default: 'info',
  },
  logFormat: {
    variable: 'COLLECTOR_LOG_FORMAT',
    meaning:
      'how: text for people, json for programs, auto = text on a terminal, else json; in the journal of systemd both have its priorities',
    kind: choice(['auto', 'text', 'json']),
    default: 'auto',
  },
} as const satisfies SettingGroup;

export type LogConfig = SettingValues<typeof LOG_SETTINGS>;
