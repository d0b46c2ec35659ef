import { setFlagsFromString } from 'node:v8';

/** Of what is in use, in percent. */
const GARBAGE_PERCENT = 50;

/**
 * Has control's garbage collected when it is half of what is in use. V8 would wait until it is three times as much, which never
 * becomes free again. How much is kept for young objects bin/floxy says.
 */
export function keepHeapSmall(): void {
  setFlagsFromString(`--heap-growing-percent=${GARBAGE_PERCENT}`);
}
