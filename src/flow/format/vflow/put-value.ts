import { putUint, putUint64 } from '../digits.ts';
import { KIND, type ValueKind } from './value-kind.ts';
import * as values from './values.ts';

/** Where values are read. */
export interface Source {
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

/** Writes a value as JSON. @returns where the next octet goes */
export function putValue(
  out: DataView,
  at: number,
  kind: ValueKind,
  { bytes, view }: Source,
  from: number,
  length: number,
): number {
  switch (kind) {
    case KIND.unsigned8:
      return putUint(out, at, bytes[from] as number);
    case KIND.unsigned16:
      return putUint(out, at, view.getUint16(from));
    case KIND.unsigned32:
      return putUint(out, at, view.getUint32(from));
    case KIND.unsigned64:
      return putUint64(out, at, view.getUint32(from), view.getUint32(from + 4));
    case KIND.ipv4:
      return values.putIpv4Text(out, at, view.getUint32(from));
    case KIND.ipv6:
      return values.putIpv6Text(out, at, view, from);
    case KIND.mac:
      return values.putMacText(out, at, view.getUint16(from), view.getUint32(from + 2));
    case KIND.text:
      return values.putText(out, at, bytes, from, from + length);
    case KIND.hex:
      return values.putHex(out, at, bytes, from, from + length);
    default:
      return putSeldom(out, at, kind, { bytes, view }, from, length);
  }
}

function putSeldom(
  out: DataView,
  at: number,
  kind: ValueKind,
  { bytes, view }: Source,
  from: number,
  length: number,
): number {
  switch (kind) {
    case KIND.boolean:
      return values.putBoolean(out, at, bytes[from] as number);
    case KIND.signed8:
      return values.putInt(out, at, view.getInt8(from));
    case KIND.signed16:
      return values.putInt(out, at, view.getInt16(from));
    case KIND.signed32:
      return values.putInt(out, at, view.getInt32(from));
    case KIND.float32:
      return values.putFloat(out, at, view.getFloat32(from), 32);
    case KIND.float64:
      return values.putFloat(out, at, view.getFloat64(from), 64);
    case KIND.signed:
      readWords(bytes, from, length, (bytes[from] as number) >>> 7);
      return values.putInt64(out, at, high, low);
    default:
      readWords(bytes, from, length, 0);
      return putUint64(out, at, high, low);
  }
}

let high = 0;
let low = 0;

/** Reads up to eight octets. @param sign what is before them: all ones or zeros */
function readWords(bytes: Uint8Array, from: number, length: number, sign: number): void {
  high = sign ? 0xffff_ffff : 0;
  low = high;
  for (let i = 0; i < length; i++) {
    high = ((high << 8) | (low >>> 24)) >>> 0;
    low = ((low << 8) | (bytes[from + i] as number)) >>> 0;
  }
}
