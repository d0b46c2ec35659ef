import type { Logger } from 'pino';
import type { RejectionCause, RejectionCounts } from '../telemetry/rejections.ts';

/** One line for each cause in this time: whoever is turned away must not fill the disk. */
const LOG_INTERVAL_MS = 10_000;

/** Longer texts of others are cut. */
const MAX_TEXT_LENGTH = 200;

/** Whom, and what of it is worth a line. */
export type RejectionDetails = Readonly<Record<string, string | undefined>>;

/** Counts what the API turns away, and logs a sample of it. */
export class Rejections {
  readonly #log: Logger;
  readonly #counts: Record<RejectionCause, number> = {
    credentials: 0,
    role: 0,
    tls: 0,
    silent: 0,
    slow: 0,
    connections: 0,
  };
  readonly #logged = new Map<RejectionCause, { readonly atMs: number; readonly count: number }>();

  constructor(log: Logger) {
    this.#log = log;
  }

  get counts(): RejectionCounts {
    return { ...this.#counts };
  }

  /** @param message what happens, for the log */
  add(cause: RejectionCause, message: string, details: RejectionDetails): void {
    const count = ++this.#counts[cause];
    const last = this.#logged.get(cause);
    const nowMs = performance.now();
    if (last !== undefined && nowMs - last.atMs < LOG_INTERVAL_MS) return;
    this.#logged.set(cause, { atMs: nowMs, count });
    // How many there were since the line before.
    const times = count - (last?.count ?? 0);
    const cut = Object.entries(details).map(([key, text]) => [
      key,
      text?.slice(0, MAX_TEXT_LENGTH),
    ]);
    this.#log.warn({ cause, times, ...Object.fromEntries(cut) }, message);
  }
}
