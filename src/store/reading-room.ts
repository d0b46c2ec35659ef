import { heapProblem, STEP_BYTES } from '../base/heap-room.ts';
import { StoreFailure } from './failure.ts';

/** What a saved rule takes of the heap at least, in bytes: its outputs may be those of another. */
const MIN_RULE_BYTES = 350;

/** So many rows take less than STEP_BYTES, but for the largest rules that there can be. */
const ROWS_PER_STEP = 256;

/**
 * Hands rows of rules on, and looks whether there is memory for them: beforehand and now and then.
 *
 * @param rows begins to read them: not before there is room, because a database with rows that were begun and not read
 * cannot be closed
 * @param count of the rows
 * @throws StoreFailure `large`
 */
export function* inSteps<Row>(rows: () => Iterable<Row>, count: number): Iterable<Row> {
  checkRoom(count * MIN_RULE_BYTES);
  let read = 0;
  for (const row of rows()) {
    if (read++ % ROWS_PER_STEP === 0) checkRoom(STEP_BYTES);
    yield row;
  }
}

function checkRoom(bytes: number): void {
  const problem = heapProblem(bytes);
  if (problem !== undefined) throw new StoreFailure('large', problem);
}
