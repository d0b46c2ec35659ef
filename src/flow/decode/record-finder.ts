import { RECORDS_PER_CALL, type RecordSet, type Template, variableEnd } from './template.ts';
import { viewOf } from './template-parser.ts';

/** Finds the records of a set, in portions. Nothing is read beyond the end of the set. */
export class RecordFinder implements RecordSet {
  bytes: Uint8Array = new Uint8Array(0);
  view: DataView = new DataView(this.bytes.buffer);
  count = 0;
  positions = new Uint32Array(RECORDS_PER_CALL);
  readonly stride = RECORDS_PER_CALL;

  /** Takes the memory that positions are of. */
  use(bytes: Uint8Array): void {
    if (bytes === this.bytes) return;
    this.bytes = bytes;
    this.view = viewOf(bytes);
  }

  /**
   * Finds the next records: `count` of them, which may be 0.
   *
   * @param template whose records have at least one octet
   * @returns where what comes after them begins
   */
  find(template: Template, at: number, end: number): number {
    return template.variable ? this.#variable(template, at, end) : this.#fixed(template, at, end);
  }

  #fixed({ recordLength }: Template, at: number, end: number): number {
    const { positions } = this;
    const last = end - recordLength;
    let to = at;
    let count = 0;
    while (to <= last && count < RECORDS_PER_CALL) {
      positions[count++] = to;
      to += recordLength;
    }
    this.count = count;
    return to;
  }

  #variable({ runLengths, recordLength }: Template, at: number, end: number): number {
    const runs = runLengths.length;
    if (this.positions.length < runs * RECORDS_PER_CALL) {
      this.positions = new Uint32Array(runs * RECORDS_PER_CALL);
    }
    let to = at;
    this.count = 0;
    while (to + recordLength <= end && this.count < RECORDS_PER_CALL) {
      const next = this.#record(runLengths, to, end);
      if (next < 0) break;
      this.count++;
      to = next;
    }
    return to;
  }

  /** Writes where the runs of one record are. @returns its end; -1 when it is cut */
  #record(runLengths: readonly number[], at: number, end: number): number {
    const { bytes, positions, count } = this;
    const last = runLengths.length - 1;
    let to = at;
    for (let run = 0; run < last; run++) {
      positions[run * RECORDS_PER_CALL + count] = to;
      to += runLengths[run] as number;
      // The length itself, of one octet or three, has to be there before it is read.
      if (to >= end || (bytes[to] === 255 && to + 3 > end)) return -1;
      to = variableEnd(bytes, to);
    }
    positions[last * RECORDS_PER_CALL + count] = to;
    to += runLengths[last] as number;
    return to <= end ? to : -1;
  }
}
