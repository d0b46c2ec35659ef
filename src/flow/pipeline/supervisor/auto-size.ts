/** How many workers a pipeline is to have (`workers: auto`), by how far they are behind and how busy they are. */

export interface Load {
  /** Records of rings that the worker furthest behind has still to look at. */
  readonly lag: number;
  /** Milliseconds at work of all workers, cumulative. */
  readonly busyMs: number;
}

/** Behind by more than a worker looks at in one go, several times in a row: they do not keep up. */
const LAG_RECORDS = 16_384;
const LAGGING_LOOKS = 3;
/** With one worker less, each would have to be less busy than this for so long. */
const SPARE_BUSY = 0.5;
const SPARE_MS = 60_000;
/** After a change the next one waits: what it brought has to be seen first. */
const SETTLE_MS = 5000;

/** Looks at one pipeline's load again and again, and says how many workers would be right. */
export class AutoSize {
  readonly #most: number;
  #lagging = 0;
  #spareSinceMs: number | undefined;
  #changedAtMs: number | undefined;
  #last: { readonly busyMs: number; readonly atMs: number } | undefined;

  /** @param most workers, however much there is to do */
  constructor(most: number) {
    this.#most = most;
  }

  /** To be called once a second or so. @returns how many there are to be */
  look({ lag, busyMs }: Load, workers: number, nowMs: number): number {
    const busy = this.#busyOf(busyMs, nowMs);
    this.#lagging = lag > LAG_RECORDS ? this.#lagging + 1 : 0;
    const isSpare = lag <= LAG_RECORDS && workers > 1 && busy < SPARE_BUSY * (workers - 1);
    this.#spareSinceMs = isSpare ? (this.#spareSinceMs ?? nowMs) : undefined;
    if (this.#changedAtMs !== undefined && nowMs - this.#changedAtMs < SETTLE_MS) return workers;
    if (this.#lagging >= LAGGING_LOOKS && workers < this.#most) {
      return this.#change(Math.min(this.#most, workers * 2), nowMs);
    }
    if (this.#spareSinceMs !== undefined && nowMs - this.#spareSinceMs >= SPARE_MS) {
      return this.#change(workers - 1, nowMs);
    }
    return workers;
  }

  #change(workers: number, nowMs: number): number {
    this.#changedAtMs = nowMs;
    this.#lagging = 0;
    this.#spareSinceMs = undefined;
    return workers;
  }

  /** Processors that the workers have kept busy since the last look. */
  #busyOf(busyMs: number, nowMs: number): number {
    const last = this.#last;
    this.#last = { busyMs, atMs: nowMs };
    if (last === undefined || nowMs <= last.atMs) return Number.POSITIVE_INFINITY;
    return Math.max(0, busyMs - last.busyMs) / (nowMs - last.atMs);
  }
}
