import { type Literal, makeLiteral, putLiteral } from './literal.ts';

/** The last time that a double has exactly, in 2255: later ones are taken for it. */
const LAST_MICROSECOND = Number.MAX_SAFE_INTEGER;
const SECONDS_A_DAY = 86_400;

/** 00 to 59 and what stands behind them. */
const HOUR_OR_MINUTE = twoDigits(':');
const SECOND = twoDigits('.');
const THREE = Uint32Array.from({ length: 1000 }, (_, value) =>
  Buffer.from(`${String(value).padStart(3, '0')}Z`).readUInt32LE(),
);

let day = -1;
let date: Literal = makeLiteral('');

function twoDigits(behind: string): Uint32Array {
  return Uint32Array.from({ length: 60 }, (_, value) =>
    Buffer.from(`${String(value).padStart(2, '0')}${behind}\0`).readUInt32LE(),
  );
}

/** Whole microseconds of the Unix epoch; 0 for what is no time. @param ms a value of a column of kind `time` */
export function microseconds(ms: number): number {
  return ms > 0 ? Math.min(Math.round(ms * 1000), LAST_MICROSECOND) : 0;
}

/** Writes a time as RFC 3339 has it, in UTC, to the microsecond. @returns where the next octet goes */
export function putTime(view: DataView, at: number, us: number): number {
  const seconds = Math.floor(us / 1e6);
  const fraction = us - seconds * 1e6;
  const today = Math.floor(seconds / SECONDS_A_DAY);
  if (today !== day) {
    day = today;
    date = makeLiteral(new Date(today * SECONDS_A_DAY * 1000).toISOString().slice(0, 11));
  }
  const second = seconds - today * SECONDS_A_DAY;
  const minute = (second / 60) | 0;
  const hour = (minute / 60) | 0;
  const next = putLiteral(view, at, date);
  view.setUint32(next, HOUR_OR_MINUTE[hour] as number, true);
  view.setUint32(next + 3, HOUR_OR_MINUTE[minute - hour * 60] as number, true);
  view.setUint32(next + 6, SECOND[second - minute * 60] as number, true);
  const thousands = (fraction / 1_000) | 0;
  view.setUint32(next + 9, THREE[thousands] as number, true);
  view.setUint32(next + 12, THREE[fraction - thousands * 1_000] as number, true);
  return next + 16;
}
