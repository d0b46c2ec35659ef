import type { FlowBatch } from '../model/flow-batch.ts';

/** A text that many rows of many batches have: it remembers which text of the current batch it is. */
export class Label {
  #text: string;
  #batch: FlowBatch | undefined;
  #stamp = 0;
  #index = 0;

  constructor(text = '') {
    this.#text = text;
  }

  get text(): string {
    return this.#text;
  }

  set text(text: string) {
    this.#text = text;
    this.#batch = undefined;
  }

  /** @param stamp another one each time that the batch was emptied */
  indexIn(batch: FlowBatch, stamp: number): number {
    if (this.#stamp !== stamp || this.#batch !== batch) {
      this.#index = batch.textIndex(this.#text);
      this.#stamp = stamp;
      this.#batch = batch;
    }
    return this.#index;
  }
}
