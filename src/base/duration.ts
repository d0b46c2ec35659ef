/** Durations as people write them: a whole number and a unit, such as `500ms`, `90s`, `5m`, `12h`, `7d`. */

const UNITS = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000, ms: 1 } as const;
const DURATION = /^(\d{1,12})(d|h|m|s|ms)$/;

/** @returns milliseconds; undefined for anything else */
export function parseDuration(text: string): number | undefined {
  const [, number, unit] = DURATION.exec(text) ?? [];
  return number === undefined ? undefined : Number(number) * UNITS[unit as keyof typeof UNITS];
}

/** In the largest unit of which it is a whole number. */
export function formatDuration(ms: number): string {
  const [unit, size] = Object.entries(UNITS).find(([, each]) => ms % each === 0) ?? ['ms', 1];
  return ms === 0 ? '0s' : `${ms / size}${unit}`;
}
