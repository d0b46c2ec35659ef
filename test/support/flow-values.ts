/** What formats should say of values of flow, worked out in other ways than theirs. */
import type { ColumnKind } from '../../src/flow/model/columns.ts';
import type { FlowValue } from './arbitrary-flow-batch.ts';

/** 64 bits, or the 48 of a MAC address, from two words. */
export function bigOf(value: FlowValue): bigint {
  const [high = 0, low = 0] = value as readonly number[];
  return (BigInt(high) << 32n) | BigInt(low);
}

export function isUnknown(value: FlowValue): boolean {
  return Array.isArray(value) ? value.every((word) => word === 0) : value === 0 || value === '';
}

/** Microseconds of a time. */
export function microsecondsOf(value: FlowValue): number {
  return Math.round((value as number) * 1000);
}

/** What text formats say of a value that is known. */
export function textOf(kind: ColumnKind, value: FlowValue): string {
  switch (kind) {
    case 'u8':
    case 'u16':
    case 'u32':
    case 'text':
      return String(value);
    case 'u64':
      return bigOf(value).toString();
    case 'time':
      return timeText(microsecondsOf(value));
    case 'mac':
      return (bigOf(value).toString(16).padStart(12, '0').match(/../g) ?? []).join(':');
    case 'address':
      return addressText(value as readonly number[]);
  }
}

function timeText(us: number): string {
  const fraction = String(us % 1e6).padStart(6, '0');
  return `${new Date(Math.floor(us / 1e6) * 1000).toISOString().slice(0, 19)}.${fraction}Z`;
}

/** IPv4 in its usual form, IPv6 as URLs have it: that is RFC 5952 but for mapped addresses. */
function addressText(words: readonly number[]): string {
  const octets = words.flatMap((word) => [24, 16, 8, 0].map((bits) => (word >>> bits) & 0xff));
  if (words[0] === 0 && words[1] === 0 && words[2] === 0xffff) return octets.slice(12).join('.');
  const hex = octets.map((octet) => octet.toString(16).padStart(2, '0')).join('');
  return new URL(`http://[${hex.match(/..../g)?.join(':')}]`).hostname.slice(1, -1);
}
