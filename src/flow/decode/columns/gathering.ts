import { RECORDS_PER_CALL, type RecordSet, type Template } from '../template.ts';
import type { Gathered, Kernel } from './kernels.ts';

/** Records that are gathered at most before their fields are read: what of them is in the cache is still there then. */
const MOST = RECORDS_PER_CALL;

/** Records of one template that wait for its kernels. */
export class Group {
  readonly kernels: readonly Kernel[];
  readonly runs: number;
  /** Segments, first and last; -1 without any. */
  first = -1;
  last = -1;

  constructor(template: Template, kernels: readonly Kernel[]) {
    this.kernels = kernels;
    this.runs = template.runLengths.length;
  }
}

/**
 * Gathers records of the same template over many sets and messages, so that a kernel has many of them: exporters often
 * put only one or two into a set. Rows are where they would be without it.
 */
export class Gathering {
  /** Records that wait. */
  count = 0;
  readonly #active: Group[] = [];
  readonly #gathered: Writable<Gathered> = {
    bytes: new Uint8Array(0),
    view: new DataView(new ArrayBuffer(0)),
    count: 0,
    rows: new Uint32Array(MOST),
    positions: new Uint32Array(MOST),
    stride: MOST,
  };
  // A segment is what of one set goes to rows that follow each other. Its positions are in the pool, run by run.
  readonly #segmentRow = new Uint32Array(MOST);
  readonly #segmentCount = new Uint32Array(MOST);
  readonly #segmentPool = new Uint32Array(MOST);
  readonly #segmentNext = new Int32Array(MOST);
  #segments = 0;
  #pool = new Uint32Array(MOST);
  #poolEnd = 0;

  /** For how many records there is room. */
  get room(): number {
    return MOST - this.count;
  }

  /**
   * Takes records of a set: as many as there is room for at most.
   *
   * @param from the first of them @param row where it goes
   */
  add(group: Group, set: RecordSet, from: number, count: number, row: number): void {
    const gathered = this.#gathered;
    if (set.bytes !== gathered.bytes) {
      this.complete();
      gathered.bytes = set.bytes;
      gathered.view = set.view;
    }
    const segment = this.#segments++;
    this.#segmentRow[segment] = row;
    this.#segmentCount[segment] = count;
    this.#segmentPool[segment] = this.#poolEnd;
    this.#segmentNext[segment] = -1;
    if (group.first < 0) {
      group.first = segment;
      this.#active.push(group);
    } else this.#segmentNext[group.last] = segment;
    group.last = segment;
    this.#keepPositions(set, from, count, group.runs);
    this.count += count;
  }

  /** Reads the fields of all that wait. */
  complete(): void {
    if (this.count === 0) return;
    const active = this.#active;
    try {
      for (let i = 0; i < active.length; i++) this.#completeGroup(active[i] as Group);
    } finally {
      // After a fault too: what waits is of memory that is another's soon.
      for (const group of active) group.first = -1;
      active.length = 0;
      this.count = 0;
      this.#segments = 0;
      this.#poolEnd = 0;
    }
  }

  #keepPositions(
    { positions, stride }: RecordSet,
    from: number,
    count: number,
    runs: number,
  ): void {
    let to = this.#poolEnd;
    if (to + count * runs > this.#pool.length) this.#growPool(to + count * runs);
    const pool = this.#pool;
    for (let run = 0; run < runs; run++) {
      const base = run * stride + from;
      for (let i = 0; i < count; i++) pool[to++] = positions[base + i] as number;
    }
    this.#poolEnd = to;
  }

  #growPool(least: number): void {
    const larger = new Uint32Array(Math.max(least, this.#pool.length * 2));
    larger.set(this.#pool);
    this.#pool = larger;
  }

  #completeGroup(group: Group): void {
    const gathered = this.#gathered;
    const { kernels, runs } = group;
    if (gathered.positions.length < runs * MOST) gathered.positions = new Uint32Array(runs * MOST);
    const { rows, positions } = gathered;
    const pool = this.#pool;
    let end = 0;
    for (let segment = group.first; segment >= 0; segment = this.#segmentNext[segment] as number) {
      const count = this.#segmentCount[segment] as number;
      const row = this.#segmentRow[segment] as number;
      for (let i = 0; i < count; i++) rows[end + i] = row + i;
      let at = this.#segmentPool[segment] as number;
      for (let run = 0; run < runs; run++) {
        const to = run * MOST + end;
        for (let i = 0; i < count; i++) positions[to + i] = pool[at++] as number;
      }
      end += count;
    }
    gathered.count = end;
    for (let i = 0; i < kernels.length; i++) (kernels[i] as Kernel)(gathered);
  }
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };
