/** Numbers as protobuf has them (encoding of varints). Writers may run OVERRUN octets past the end. */

/** How many groups of seven bits a number has, by its leading zeros. */
const GROUPS = Uint8Array.from({ length: 33 }, (_, zeros) =>
  Math.max(1, Math.ceil((32 - zeros) / 7)),
);
/** The bits that tell that more octets follow, by number of octets. */
const MORE = Uint32Array.of(0, 0, 0x80, 0x8080, 0x80_8080);

const LOW_28 = 0xfff_ffff;

/** Writes 32 bits. @returns where the next octet goes */
export function putVarint(view: DataView, at: number, value: number): number {
  if (value > LOW_28) {
    view.setUint32(at, spread(value) | 0x8080_8080, true);
    view.setUint8(at + 4, value >>> 28);
    return at + 5;
  }
  const length = GROUPS[Math.clz32(value)] as number;
  view.setUint32(at, spread(value) | (MORE[length] as number), true);
  return at + length;
}

/** Writes 64 bits. @returns where the next octet goes */
export function putVarint64(view: DataView, at: number, high: number, low: number): number {
  if (high === 0) return putVarint(view, at, low);
  view.setUint32(at, spread(low) | 0x8080_8080, true);
  const middle = (low >>> 28) | (high << 4);
  const last = high >>> 24;
  if (last === 0) return putVarint(view, at + 4, middle & LOW_28);
  view.setUint32(at + 4, spread(middle) | 0x8080_8080, true);
  return putVarint(view, at + 8, last);
}

/** How many octets a number of 32 bits takes. */
export function varintLength(value: number): number {
  return GROUPS[Math.clz32(value)] as number;
}

/** The low 28 bits, seven in each octet. */
function spread(value: number): number {
  return (
    (value & 0x7f) |
    ((value & 0x3f80) << 1) |
    ((value & 0x1f_c000) << 2) |
    ((value & 0xfe0_0000) << 3)
  );
}
