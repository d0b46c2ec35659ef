import type { Logger } from 'pino';

/** Resolves with the first of the signals; another one after it ends the process at once. */
export function waitForSignal(signals: readonly NodeJS.Signals[]): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let isAsked = false;
    for (const signal of signals) {
      process.on(signal, () => {
        if (isAsked) process.exit(1);
        isAsked = true;
        resolve(signal);
      });
    }
  });
}

/** SIGHUP comes when a terminal or an ssh session closes, and from those who want settings to be read again. */
export function ignoreHangups(log: Logger): void {
  process.on('SIGHUP', () => {
    log.info('SIGHUP changes nothing: settings are read at the start, rules change by the API');
  });
}
