/** Lets one loop sleep until something is to be done, or a time has passed. */
export class Wakeup {
  #wake: (() => void) | undefined;
  #called = false;

  /** Ends the sleep; the next one when nobody sleeps. */
  call(): void {
    this.#called = true;
    this.#wake?.();
  }

  /** @param ms without it, until called */
  async sleep(ms?: number): Promise<void> {
    if (!this.#called) {
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        if (ms !== undefined) timer = setTimeout(resolve, ms);
      });
      clearTimeout(timer);
      this.#wake = undefined;
    }
    this.#called = false;
  }
}
