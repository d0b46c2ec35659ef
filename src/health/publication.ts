import type { Logger } from 'pino';
import { messageOf } from '../base/errors.ts';

/** So long changes are gathered: those of a link or a router that fails come together. */
const GATHER_MS = 20;
/** At most this part of the time goes into publishing, however much collectors flap. */
const LOAD_PART = 1 / 5;
const MIN_GAP_MS = 100;
const RETRY_MS = 1_000;

export interface PublicationOptions {
  /** Takes into force what is so now. */
  readonly publish: () => Promise<void>;
  readonly log: Logger;
}

/** Has changes of health taken into force: many by one publication, and not too often. */
export class Publication {
  readonly #publish: () => Promise<void>;
  readonly #log: Logger;
  #timer: NodeJS.Timeout | undefined;
  #isPublishing = false;
  #isWanted = false;
  #isStopped = false;
  /** Not before, by performance.now(). */
  #nextMs = 0;

  constructor({ publish, log }: PublicationOptions) {
    this.#publish = publish;
    this.#log = log;
  }

  /** Something has changed. */
  request(): void {
    this.#isWanted = true;
    this.#plan(GATHER_MS);
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  #plan(delayMs: number): void {
    if (this.#isStopped || this.#isPublishing || this.#timer !== undefined) return;
    const waitMs = Math.max(delayMs, this.#nextMs - performance.now());
    this.#timer = setTimeout(() => void this.#run(), waitMs);
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    this.#timer = undefined;
    this.#isWanted = false;
    this.#isPublishing = true;
    const beganMs = performance.now();
    let delayMs = GATHER_MS;
    try {
      await this.#publish();
    } catch (error) {
      const text = 'which collectors are down could not be taken into force: it is tried again';
      this.#log.error({ error: messageOf(error) }, text);
      this.#isWanted = true;
      delayMs = RETRY_MS;
    }
    const endMs = performance.now();
    this.#nextMs = endMs + Math.max(MIN_GAP_MS, (endMs - beganMs) * (1 / LOAD_PART - 1));
    this.#isPublishing = false;
    if (this.#isWanted) this.#plan(delayMs);
  }
}
