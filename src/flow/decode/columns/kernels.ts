/**
 * Kernels: each is one small loop that reads one field of many records into one column. They are made once for a
 * template, for the place and the length of the field in its records.
 */
import type { WordPairs } from '../../model/flow-batch.ts';
import { MAPPED_IPV4 } from '../bytes/words.ts';
import {
  type RecordSet,
  type TemplateField,
  VARIABLE_LENGTH,
  variableEnd,
  variableStart,
} from '../template.ts';

/** Records of one template, of as many sets as there are, and the rows that they become. */
export interface Gathered extends RecordSet {
  /** The row of each record. */
  readonly rows: Uint32Array;
}

/** Reads a field of records into rows of a column. */
export type Kernel = (records: Gathered) => void;

type Numbers = Uint8Array | Uint16Array | Uint32Array;

/** Numbers of 8 bits. Of longer fields it takes the last octet. */
export function u8Kernel({ run, offset, length }: TemplateField, out: Uint8Array): Kernel {
  if (length === VARIABLE_LENGTH) return variableNumbers(run, offset, out);
  const last = offset + length - 1;
  return ({ bytes, positions, stride, rows, count }) => {
    const base = run * stride;
    for (let i = 0; i < count; i++)
      out[rows[i] as number] = bytes[(positions[base + i] as number) + last] as number;
  };
}

/** Numbers of 16 bits. Of longer fields it takes the last two octets. */
export function u16Kernel({ run, offset, length }: TemplateField, out: Uint16Array): Kernel {
  if (length === VARIABLE_LENGTH) return variableNumbers(run, offset, out);
  if (length === 1) return numbersOfOctet(run, offset, out);
  const last = offset + length - 2;
  return ({ view, positions, stride, rows, count }) => {
    const base = run * stride;
    for (let i = 0; i < count; i++)
      out[rows[i] as number] = view.getUint16((positions[base + i] as number) + last);
  };
}

/** Numbers of 32 bits. Of longer fields it takes the last four octets. */
export function u32Kernel({ run, offset, length }: TemplateField, out: Uint32Array): Kernel {
  switch (length) {
    case VARIABLE_LENGTH:
      return variableNumbers(run, offset, out);
    case 1:
      return numbersOfOctet(run, offset, out);
    case 2:
      return ({ view, positions, stride, rows, count }) => {
        const base = run * stride;
        for (let i = 0; i < count; i++)
          out[rows[i] as number] = view.getUint16((positions[base + i] as number) + offset);
      };
    case 3:
      return ({ view, bytes, positions, stride, rows, count }) => {
        const base = run * stride;
        for (let i = 0; i < count; i++) {
          const at = (positions[base + i] as number) + offset;
          out[rows[i] as number] = ((bytes[at] as number) << 16) | view.getUint16(at + 1);
        }
      };
    default:
      return u32OfLast(run, offset + length - 4, out);
  }
}

function u32OfLast(run: number, last: number, out: Uint32Array): Kernel {
  return ({ view, positions, stride, rows, count }) => {
    const base = run * stride;
    for (let i = 0; i < count; i++)
      out[rows[i] as number] = view.getUint32((positions[base + i] as number) + last);
  };
}

/** Numbers of 64 bits, as two words. Of longer fields it takes the last eight octets. */
export function u64Kernel(field: TemplateField, { high, low }: WordPairs): Kernel {
  const { run, offset, length } = field;
  if (length === VARIABLE_LENGTH || (length > 4 && length < 8))
    return pairsOfAnyLength(field, { high, low });
  if (length <= 4) return u32Kernel(field, low);
  const last = offset + length - 8;
  return ({ view, positions, stride, rows, count }) => {
    const base = run * stride;
    for (let i = 0; i < count; i++) {
      const at = (positions[base + i] as number) + last;
      high[rows[i] as number] = view.getUint32(at);
      low[rows[i] as number] = view.getUint32(at + 4);
    }
  };
}

/** MAC addresses of six octets. */
export function macKernel({ run, offset }: TemplateField, { high, low }: WordPairs): Kernel {
  return ({ view, positions, stride, rows, count }) => {
    const base = run * stride;
    for (let i = 0; i < count; i++) {
      const at = (positions[base + i] as number) + offset;
      high[rows[i] as number] = view.getUint16(at);
      low[rows[i] as number] = view.getUint32(at + 2);
    }
  };
}

/** IPv4 addresses, as ::ffff:a.b.c.d. */
export function ipv4Kernel({ run, offset }: TemplateField, out: Uint32Array): Kernel {
  return ({ view, positions, stride, rows, count }) => {
    const base = run * stride;
    for (let i = 0; i < count; i++) {
      const to = (rows[i] as number) * 4;
      out[to] = 0;
      out[to + 1] = 0;
      out[to + 2] = MAPPED_IPV4;
      out[to + 3] = view.getUint32((positions[base + i] as number) + offset);
    }
  };
}

/** IPv6 addresses. */
export function ipv6Kernel({ run, offset }: TemplateField, out: Uint32Array): Kernel {
  return ({ view, positions, stride, rows, count }) => {
    const base = run * stride;
    for (let i = 0; i < count; i++) {
      const at = (positions[base + i] as number) + offset;
      const to = (rows[i] as number) * 4;
      out[to] = view.getUint32(at);
      out[to + 1] = view.getUint32(at + 4);
      out[to + 2] = view.getUint32(at + 8);
      out[to + 3] = view.getUint32(at + 12);
    }
  };
}

function numbersOfOctet(run: number, offset: number, out: Numbers): Kernel {
  return ({ bytes, positions, stride, rows, count }) => {
    const base = run * stride;
    for (let i = 0; i < count; i++)
      out[rows[i] as number] = bytes[(positions[base + i] as number) + offset] as number;
  };
}

/** Numbers in fields of variable length: the last four octets that there are. */
function variableNumbers(run: number, offset: number, out: Numbers): Kernel {
  return ({ bytes, positions, stride, rows, count }) => {
    const base = run * stride;
    for (let i = 0; i < count; i++) {
      const at = (positions[base + i] as number) + offset;
      out[rows[i] as number] = lastWord(bytes, variableStart(bytes, at), variableEnd(bytes, at));
    }
  };
}

function pairsOfAnyLength(
  { run, offset, length }: TemplateField,
  { high, low }: WordPairs,
): Kernel {
  return ({ bytes, positions, stride, rows, count }) => {
    const base = run * stride;
    for (let i = 0; i < count; i++) {
      const at = (positions[base + i] as number) + offset;
      const isVariable = length === VARIABLE_LENGTH;
      const start = isVariable ? variableStart(bytes, at) : at;
      const end = isVariable ? variableEnd(bytes, at) : at + length;
      low[rows[i] as number] = lastWord(bytes, start, end);
      high[rows[i] as number] = lastWord(bytes, start, Math.max(start, end - 4));
    }
  };
}

/** The last four octets between two positions as a number; fewer when there are fewer. */
function lastWord(bytes: Uint8Array, start: number, end: number): number {
  let value = 0;
  for (let at = Math.max(start, end - 4); at < end; at++)
    value = (value << 8) | (bytes[at] as number);
  return value >>> 0;
}
