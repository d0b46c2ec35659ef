/** Figures as people read them. */
import { formatSpan } from '../base/duration.ts';

const UNITS = ['', 'k', 'M', 'G', 'T', 'P', 'E'];

/** 950, 1.2k, 34M: two or three digits are enough to look at. */
export function shortCount(count: number): string {
  return scaled(count, (value) => (value < 9.95 ? value.toFixed(1) : String(Math.round(value))));
}

/** 0, 0.25, 41.2k, 1.3M: three digits, to compare figures with each other. */
export function shortRate(perSecond: number): string {
  if (perSecond < 9.995) return String(Number(perSecond.toFixed(2)));
  return scaled(perSecond, (value) => {
    return String(Number(value < 99.95 ? value.toFixed(1) : value.toFixed(0)));
  });
}

/** `57.6 MB/s`. */
export function byteRate(bytesPerSecond: number): string {
  return shortRate(bytesPerSecond).replace(/[a-z]?$/i, (unit) => ` ${unit}B/s`);
}

/** `3d 4h`, `5h 12m`, `3m 20s`, `45s`: two units. */
export function shortTime(seconds: number): string {
  return formatSpan(seconds * 1000);
}

/** `1 rule`, `412 rules`, `1,234 rules`. */
export function counted(count: number, one: string): string {
  return `${count.toLocaleString('en')} ${one}${count === 1 ? '' : 's'}`;
}

/** @param print what is below a thousand */
function scaled(count: number, print: (value: number) => string): string {
  let value = count;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return unit === 0 ? String(Math.round(value)) : `${print(value)}${UNITS[unit]}`;
}
