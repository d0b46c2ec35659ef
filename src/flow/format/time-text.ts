import { type Literal, makeLiteral } from './literal.ts';

/** The last time that a double has exactly, in 2255: later ones are taken for it. */
const LAST_MICROSECOND = Number.MAX_SAFE_INTEGER;

/** 00 to 59 and what stands behind them. */
const MINUTE = twoDigits(':');
const SECOND = twoDigits('.');
const THREE = Uint32Array.from({ length: 1000 }, (_, value) =>
  Buffer.from(`${String(value).padStart(3, '0')}Z`).readUInt32LE(),
);

/** The hour that was written last: where it begins, in seconds, and its text. */
let hour = 0;
let hourText: Literal = hourLiteral(0);

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
  if (seconds < hour || seconds >= hour + 3600) {
    hour = seconds - (seconds % 3600);
    hourText = hourLiteral(hour);
  }
  const second = (seconds - hour) | 0;
  const minute = (second / 60) | 0;
  const { a, b, length } = hourText;
  view.setFloat64(at, a, true);
  view.setFloat64(at + 8, b, true);
  const next = at + length;
  view.setUint32(next, MINUTE[minute] as number, true);
  view.setUint32(next + 3, SECOND[second - minute * 60] as number, true);
  const thousands = (fraction / 1_000) | 0;
  view.setUint32(next + 6, THREE[thousands] as number, true);
  view.setUint32(next + 9, THREE[fraction - thousands * 1_000] as number, true);
  return next + 13;
}

/** The date and the hour, and the colon behind it. */
function hourLiteral(seconds: number): Literal {
  return makeLiteral(new Date(seconds * 1000).toISOString().slice(0, 14));
}
