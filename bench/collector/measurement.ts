/**
 * What an item of the collector's benchmark hands to its frame. An item is a file of this folder that is listed in
 * items.ts and exports its measurements; each of them runs in a process of its own on a core of its own, in turns with
 * all others: A B C A B C …
 */
export interface Measurement {
  /** Its name in results and targets.ts, item first: `decode/v9 columns`. */
  readonly id: string;
  /** What it does, for the report. */
  readonly description: string;
  /** What is counted, in the plural: `records`. */
  readonly unit: string;
  /**
   * Makes ready what needs no clock: data, servers, first runs that warm up.
   *
   * @throws Unavailable when this machine cannot run it
   */
  prepare(context: MeasurementContext): Promise<Prepared> | Prepared;
}

export interface MeasurementContext {
  /** A folder of its own, removed at the end. */
  readonly folder: string;
  /** The core of this process and of what is measured. */
  readonly core: number;
  /** For what only helps: generators, peers. The same core where there are only two. */
  readonly otherCore: number;
}

export interface Prepared {
  /** Works for about so long. Whoever works in this process alone uses workFor(). */
  run(milliseconds: number): Promise<Work> | Work;
  /** Ends and removes what was made. */
  [Symbol.asyncDispose]?(): Promise<void>;
}

export interface Work {
  /** How much was done, in the unit of the measurement. 0 where only figures count. */
  readonly count: number;
  /** CPU time that it took, where that is not the time of this process: servers, workers, rivals. */
  readonly cpuSeconds?: number;
  /** What else was found, by name: `{ lost: 0, memoryMb: 143 }`. Medians of the rounds are reported. */
  readonly figures?: Readonly<Record<string, number>>;
}

/** Why a measurement cannot be made here, and what to do about it. */
export class Unavailable extends Error {
  override readonly name = 'Unavailable';
}

/** Repeats a step that tells how much it did. @param step short against the time given */
export function workFor(milliseconds: number, step: () => number): Work {
  const end = performance.now() + milliseconds;
  let count = 0;
  do count += step();
  while (performance.now() < end);
  return { count };
}
