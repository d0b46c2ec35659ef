import { firstObstacle, LOOK_MS, type Watched } from './obstacle.ts';

export interface InputChoiceParts {
  /** What tells by itself what it does with input. */
  readonly watches: readonly Watched[];
  /** What else there is on the way of input, in words. */
  readonly obstacles: () => readonly string[];
}

/** Whether packets may be handled before this host has seen them: what it has on their way would be passed by. */
export class InputChoice {
  readonly #parts: InputChoiceParts;
  #onChange: () => void = () => undefined;
  #timer: NodeJS.Timeout | undefined;
  #obstacle: string | undefined = 'what is on the way of input is not known yet';

  constructor(parts: InputChoiceParts) {
    this.#parts = parts;
  }

  /** While this process may ask: later it has given up the capability. */
  open(): void {
    for (const watch of this.#parts.watches) watch.open();
  }

  /** @param onChange is called when the obstacle is another */
  start(onChange: () => void): void {
    this.#onChange = onChange;
    for (const watch of this.#parts.watches) void watch.start(() => this.#look());
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
    this.#look();
  }

  stop(): void {
    clearInterval(this.#timer);
    for (const watch of this.#parts.watches) watch.stop();
  }

  /** What is in the way, or why that is not known; undefined when nothing is. */
  get obstacle(): string | undefined {
    return this.#obstacle;
  }

  #look(): void {
    const before = this.#obstacle;
    const { watches, obstacles } = this.#parts;
    this.#obstacle = firstObstacle('input', watches, obstacles);
    if (this.#obstacle !== before) this.#onChange();
  }
}
