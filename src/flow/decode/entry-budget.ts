/** How many entries tables of all exporters may have together; strangers may fill a quarter. */
export class EntryBudget {
  readonly #most: number;
  #used = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** Takes one, if there is one left. @param isStranger it is for an exporter that has not sent for long */
  take(isStranger: boolean): boolean {
    if (this.#used >= (isStranger ? this.#most / 4 : this.#most)) return false;
    this.#used++;
    return true;
  }

  giveBack(entries: number): void {
    this.#used -= entries;
  }
}
