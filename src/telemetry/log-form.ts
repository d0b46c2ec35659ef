import { type LoggerOptions, stdTimeFunctions } from 'pino';

/** How a line of the log looks: one JSON object with the name of its level, and its time as RFC 3339 in UTC. */
export const LOG_FORM = {
  base: null,
  timestamp: stdTimeFunctions.isoTime,
  formatters: { level: (level: string) => ({ level }) },
} as const satisfies LoggerOptions;
