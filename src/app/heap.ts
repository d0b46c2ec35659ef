import { setFlagsFromString } from 'node:v8';

/** Of what is in use, in percent. */
const GARBAGE_PERCENT = 50;

/**
 * Has control's garbage collected when it is half of what is in use. V8 would wait until it is three times as much: some 100 MB
 * that never become free again, or, with 100,000 rules, a multiple of that.
 */
export function keepHeapSmall(): void {
  setFlagsFromString(`--heap-growing-percent=${GARBAGE_PERCENT}`);
}
