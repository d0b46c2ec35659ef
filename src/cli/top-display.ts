import { setTimeout as delay } from 'node:timers/promises';
import type { Screen } from './terminal.ts';
import { type TopView, topFrame } from './top-screen.ts';
import type { OrderName } from './traffic-commands.ts';

export interface TopDisplayOptions {
  readonly screen: Screen;
  /** Where the API is. */
  readonly target: string;
  readonly order: OrderName;
  readonly print: (text: string) => Promise<void>;
  readonly quit: () => void;
}

/** Control sequences (ECMA-48, and xterm's for its second screen). */
const SEQUENCE = {
  open: '\u001b[?1049h\u001b[?25l',
  close: '\u001b[?25h\u001b[?1049l',
  home: '\u001b[H',
  endOfLine: '\u001b[K',
  endOfScreen: '\u001b[J',
} as const;

const ORDER_OF_KEY: Readonly<Record<string, OrderName>> = {
  p: 'packets',
  b: 'bytes',
  l: 'lost',
  s: 'last-seen',
  a: 'address',
};

const INTERRUPT = '\u0003';

/** Draws looks over each other on a terminal, and hears keys and changes of its size. */
export class TopDisplay {
  readonly #options: TopDisplayOptions;
  readonly #endings: (() => void)[] = [];
  #order: OrderName;
  #view: TopView | undefined;
  #trouble: string | undefined;
  #changed = new AbortController();

  constructor(options: TopDisplayOptions) {
    this.#options = options;
    this.#order = options.order;
  }

  get order(): OrderName {
    return this.#order;
  }

  async open(): Promise<void> {
    const { screen, print } = this.#options;
    await print(SEQUENCE.open);
    this.#endings.push(screen.onKey((key) => this.#press(key)));
    this.#endings.push(screen.onResize(() => this.#change()));
    await this.#draw();
  }

  async close(): Promise<void> {
    for (const end of this.#endings) end();
    await this.#options.print(SEQUENCE.close);
  }

  async show(view: TopView): Promise<void> {
    this.#view = view;
    this.#trouble = undefined;
    await this.#draw();
  }

  /** Why nothing new comes. */
  async trouble(message: string): Promise<void> {
    this.#trouble = message;
    await this.#draw();
  }

  /** Aborted when another order or size is wanted. Made anew by each call. */
  wishChanged(): AbortSignal {
    if (this.#changed.signal.aborted) this.#changed = new AbortController();
    return this.#changed.signal;
  }

  async pause(ms: number, signal: AbortSignal): Promise<void> {
    await delay(ms, undefined, { signal }).catch(() => undefined);
  }

  #press(key: string): void {
    if (key === 'q' || key === INTERRUPT) this.#options.quit();
    const order = ORDER_OF_KEY[key];
    if (order === undefined || order === this.#order) return;
    this.#order = order;
    this.#change();
  }

  /** What is there already is drawn at once; the next look is what is wanted. */
  #change(): void {
    this.#changed.abort();
    // A terminal that has gone ends the command with its next look.
    this.#draw().catch(() => this.#options.quit());
  }

  async #draw(): Promise<void> {
    const { screen, target, print } = this.#options;
    const state = { target, order: this.#order, now: new Date(), trouble: this.#trouble };
    const lines = topFrame(this.#view, state, screen.size());
    const drawn = lines.map((line) => `${line}${SEQUENCE.endOfLine}`).join('\r\n');
    await print(`${SEQUENCE.home}${drawn}${SEQUENCE.endOfScreen}`);
  }
}
