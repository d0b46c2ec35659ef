import type { Logger } from 'pino';
import type { UnknownVariable } from '../config/config.ts';

/** Logs variables that look like settings and have no effect. */
export function warnOfUnknown(variables: readonly UnknownVariable[], log: Logger): void {
  for (const { name, nearest } of variables) {
    log.warn({ variable: name, didYouMean: nearest }, 'unknown setting ignored');
  }
}
