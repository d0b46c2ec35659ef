/** Whether a rule of nftables matches a packet, as far as that can be told without sending one. */
import { formatAddress, type Octets, parseAddress } from '../../model/address.ts';
import type { Expression, Rule, Ruleset } from './ruleset.ts';

export type Certainty = 'yes' | 'no' | 'maybe';

/** A UDP packet of a new connection. What is undefined is not known. */
export interface Packet {
  readonly family: 4 | 6;
  readonly source: Octets | undefined;
  readonly destination: Octets | undefined;
  readonly port: number;
  /** `lo`, or undefined: any other. None when it was made here. */
  readonly inLink?: string | undefined;
  readonly outLink?: string | undefined;
}

interface Match {
  readonly op?: string;
  readonly left?: Expression;
  readonly right?: unknown;
}

/** All that stands before the verdict of a rule. */
export function matches(rule: Rule, packet: Packet, ruleset: Ruleset): Certainty {
  let certainty: Certainty = 'yes';
  for (const expression of rule.expr) {
    const found = matchesOne(expression, packet, (name) => ruleset.elements(rule, name));
    if (found === 'no') return 'no';
    if (found === 'maybe') certainty = 'maybe';
  }
  return certainty;
}

type FindSet = (name: string) => readonly unknown[] | undefined;

/** Statements that ask nothing of a packet, and verdicts. */
const HARMLESS = new Set([
  ...['accept', 'drop', 'reject', 'jump', 'goto', 'return', 'queue', 'vmap'],
  ...['counter', 'log', 'notrack', 'masquerade', 'snat', 'dnat', 'redirect', 'mangle', 'comment'],
]);

function matchesOne(expression: Expression, packet: Packet, findSet: FindSet): Certainty {
  const [name = ''] = Object.keys(expression);
  if (name === 'match') return matchesValue(expression['match'] as Match, packet, findSet);
  return HARMLESS.has(name) ? 'yes' : 'maybe';
}

function matchesValue(
  { op = '==', left = {}, right }: Match,
  packet: Packet,
  findSet: FindSet,
): Certainty {
  const known = lookedAt(left, packet);
  if (known === undefined) return 'maybe';
  const isNegated = op === '!=';
  if (!isNegated && op !== '==' && op !== 'in') return 'maybe';
  const certainty = known === NEVER ? 'no' : isIn(known, right, findSet);
  return isNegated ? opposite(certainty) : certainty;
}

function opposite(certainty: Certainty): Certainty {
  if (certainty === 'maybe') return 'maybe';
  return certainty === 'yes' ? 'no' : 'yes';
}

/** It is not of this kind of packet: of a TCP port, of the other family. */
const NEVER = Symbol('never');
/** Any link but the loopback. */
const OUTER_LINK = Symbol('outer link');

type Value = number | string | Octets | typeof NEVER | typeof OUTER_LINK;

/** The value of what a rule looks at; undefined when it is not known. */
function lookedAt(left: Expression, packet: Packet): Value | undefined {
  const { payload, meta, ct } = left as {
    payload?: { protocol?: string; field?: string };
    meta?: { key?: string };
    ct?: { key?: string };
  };
  if (payload !== undefined) return payloadValue(payload, packet);
  if (meta !== undefined) return metaValue(meta.key, packet);
  return ct?.key === 'state' ? 'new' : undefined;
}

function payloadValue(
  { protocol = '', field = '' }: { protocol?: string; field?: string },
  packet: Packet,
): Value | undefined {
  if (protocol === 'udp' || protocol === 'th') return field === 'dport' ? packet.port : undefined;
  if (protocol !== 'ip' && protocol !== 'ip6') return NEVER;
  if ((protocol === 'ip') !== (packet.family === 4)) return NEVER;
  if (field === 'saddr') return packet.source;
  if (field === 'daddr') return packet.destination;
  return field === 'protocol' || field === 'nexthdr' ? 'udp' : undefined;
}

function metaValue(key: string | undefined, packet: Packet): Value | undefined {
  if (key === 'l4proto') return 'udp';
  if (key === 'nfproto') return packet.family === 4 ? 'ipv4' : 'ipv6';
  if (key === 'protocol') return packet.family === 4 ? 'ip' : 'ip6';
  if (key === 'iif' || key === 'iifname') return packet.inLink ?? OUTER_LINK;
  if (key === 'oif' || key === 'oifname') return packet.outLink;
  return undefined;
}

function isIn(value: Exclude<Value, typeof NEVER>, right: unknown, findSet: FindSet): Certainty {
  if (typeof right === 'string' && right.startsWith('@')) {
    const elements = findSet(right.slice(1));
    return elements === undefined ? 'maybe' : isInAny(value, elements, findSet);
  }
  if (Array.isArray(right)) return isInAny(value, right, findSet);
  if (typeof right === 'object' && right !== null)
    return isInObject(value, right as Expression, findSet);
  if (value === OUTER_LINK) return right === 'lo' ? 'no' : 'maybe';
  if (value instanceof Uint8Array) return certain(formatAddress(value) === canonical(right));
  if (typeof right === 'string' && right.endsWith('*'))
    return certain(String(value).startsWith(right.slice(0, -1)));
  if (value === 'udp') return certain(right === 'udp' || right === 17);
  return certain(value === right);
}

function isInAny(
  value: Exclude<Value, typeof NEVER>,
  elements: readonly unknown[],
  findSet: FindSet,
): Certainty {
  const found = elements.map((element) => isIn(value, element, findSet));
  if (found.includes('yes')) return 'yes';
  return found.includes('maybe') ? 'maybe' : 'no';
}

function isInObject(
  value: Exclude<Value, typeof NEVER>,
  right: Expression,
  findSet: FindSet,
): Certainty {
  const { set, elem, range, prefix } = right as {
    set?: readonly unknown[];
    elem?: { val?: unknown };
    range?: readonly [unknown, unknown];
    prefix?: { addr?: string; len?: number };
  };
  if (set !== undefined) return isInAny(value, Array.isArray(set) ? set : [set], findSet);
  if (elem !== undefined) return isIn(value, elem.val, findSet);
  if (range !== undefined) return isBetween(value, range);
  if (prefix !== undefined && value instanceof Uint8Array) return certain(hasPrefix(value, prefix));
  return 'maybe';
}

function isBetween(value: Value, [first, last]: readonly [unknown, unknown]): Certainty {
  if (typeof value === 'number') return certain(value >= Number(first) && value <= Number(last));
  if (!(value instanceof Uint8Array)) return 'maybe';
  const [low, high] = [first, last].map((end) => parseAddress(String(end)));
  if (low === undefined || high === undefined) return 'maybe';
  const isOf = low.length === value.length;
  return certain(isOf && Buffer.compare(value, low) >= 0 && Buffer.compare(value, high) <= 0);
}

function hasPrefix(
  value: Octets,
  { addr = '', len = 0 }: { addr?: string; len?: number },
): boolean {
  const first = parseAddress(addr);
  if (first === undefined || first.length !== value.length) return false;
  return value.every((byte, i) => {
    const bits = Math.min(8, Math.max(0, len - i * 8));
    return (byte ^ (first[i] ?? 0)) >> (8 - bits) === 0;
  });
}

function canonical(address: unknown): string | undefined {
  const octets = parseAddress(String(address));
  return octets && formatAddress(octets);
}

function certain(is: boolean): Certainty {
  return is ? 'yes' : 'no';
}

/** Whether a verdict map has a verdict for the packet. */
export function verdictIn(vmap: unknown, packet: Packet): Expression | 'maybe' | undefined {
  const { key = {}, data } = vmap as {
    key?: Expression;
    data?: { set?: readonly [unknown, Expression][] };
  };
  const value = lookedAt(key, packet);
  if (value === NEVER) return undefined;
  if (value === undefined || !Array.isArray(data?.set)) return 'maybe';
  for (const [element, verdict] of data.set) {
    const found = isIn(value, element, () => undefined);
    if (found !== 'no') return found === 'yes' ? verdict : 'maybe';
  }
  return undefined;
}
