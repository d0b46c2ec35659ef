import type { Logger } from 'pino';
import { firstObstacle, LOOK_MS, type Watched } from './obstacle.ts';
import type { Links } from './output-obstacles.ts';

/** - `auto`: frames, but not past something on the way of output. - `link`: frames. - `raw`: none. */
export type SenderSetting = 'auto' | 'link' | 'raw';

export interface SenderChoiceParts {
  readonly setting: SenderSetting;
  /** What tells by itself what it does with output. */
  readonly watches: readonly Watched[];
  /** What else there is on the way of output by these links. */
  readonly obstacles: (links: Links) => readonly string[];
  readonly log: Logger;
}

/** Whether copies may leave as frames, by the setting, and by what this host has on the way of its output. */
export class SenderChoice {
  readonly #setting: SenderSetting;
  readonly #watches: readonly Watched[];
  readonly #obstacles: SenderChoiceParts['obstacles'];
  readonly #log: Logger;
  /** Undefined: not known yet. */
  #links: Links | undefined;
  #onChange: (mayMakeFrames: boolean) => void = () => undefined;
  #timer: NodeJS.Timeout | undefined;
  #told: string | undefined;
  #may = false;
  #reason = 'not looked at yet';

  constructor({ setting, watches, obstacles, log }: SenderChoiceParts) {
    this.#setting = setting;
    this.#watches = watches;
    this.#obstacles = obstacles;
    this.#log = log;
  }

  get mayMakeFrames(): boolean {
    return this.#may;
  }

  /** Why, in words. */
  get reason(): string {
    return this.#reason;
  }

  /** Those by which frames leave, or would; undefined: none were told yet. */
  get links(): Links | undefined {
    return this.#links;
  }

  set links(links: Links) {
    const before = this.#links && indexesOf(this.#links);
    this.#links = links;
    if (indexesOf(links) !== before) this.look();
  }

  /** @param onChange is told at once, and whenever it is another */
  start(onChange: (mayMakeFrames: boolean) => void): void {
    this.#onChange = onChange;
    if (this.#setting === 'auto') {
      for (const watch of this.#watches) void watch.start(() => this.look());
      this.#timer = setInterval(() => this.look(), LOOK_MS);
    }
    this.look();
  }

  stop(): void {
    clearInterval(this.#timer);
    for (const watch of this.#watches) watch.stop();
  }

  /** Looks now: something may have changed. */
  look(): void {
    // What they have in the way has to be known before.
    if (this.#setting === 'auto' && this.#links === undefined) return;
    const obstacle = this.#find();
    this.#may = obstacle === undefined;
    this.#reason = obstacle ?? this.#whyFrames();
    this.#onChange(this.#may);
    this.#tell();
  }

  #find(): string | undefined {
    if (this.#setting === 'raw') return 'COLLECTOR_FLOXY_SENDER=raw';
    if (this.#setting === 'link') return undefined;
    return firstObstacle('output', this.#watches, () => this.#obstacles(this.#links ?? new Map()));
  }

  #whyFrames(): string {
    return this.#setting === 'link'
      ? 'COLLECTOR_FLOXY_SENDER=link'
      : 'nothing on the way of output that they would pass by';
  }

  #tell(): void {
    const line = this.#may
      ? 'copies leave as frames'
      : `copies leave through raw sockets: ${this.#reason}`;
    if (line !== this.#told) this.#log.info(line);
    this.#told = line;
  }
}

function indexesOf(links: Links): string {
  return [...links.keys()].sort().join();
}
