/** Files in MaxMind's format (DB specification 2.0): AS numbers and countries of networks. */
import { Reader } from 'mmdb-lib';
import { Turn } from '../../base/turn.ts';
import { formatWords } from './address-words.ts';
import { countryNumber, NetworkRanges } from './network-ranges.ts';

/** IPv4 and IPv6 of one file. */
export interface Networks {
  readonly ipv4: NetworkRanges;
  readonly ipv6: NetworkRanges;
}

const IPV4_BITS = 32;
const IPV6_BITS = 128;
/** Where IPv4 begins in a tree of IPv6: after so many zeros. */
const IPV4_DEPTH = 96;
/** Steps between two looks at the clock. */
const STEPS = 512;

/** AS and country number of one entry. */
type Facts = readonly [as: number, country: number];

const NOTHING: Facts = [0, 0];

/**
 * Expands a file to ranges: a look-up in it takes microseconds, one in ranges some ten nanoseconds. Lets the process do
 * other things every few milliseconds.
 *
 * Networks that stand for IPv4 inside IPv6 (6to4, Teredo) are not expanded once more: IPv4 is looked up as IPv4.
 *
 * @throws Error when it is no such file, or broken
 */
export async function readNetworks(bytes: Buffer): Promise<Networks> {
  const tree = new Tree(bytes);
  const ipv4 = new NetworkRanges(1);
  const ipv6 = new NetworkRanges(4);
  const turn = new Turn();
  const start = tree.ipv4Start();
  await expand(tree, ipv4, { node: start, bits: IPV4_BITS, skipped: -1 }, turn);
  if (tree.isIpv6)
    await expand(
      tree,
      ipv6,
      { node: 0, bits: IPV6_BITS, skipped: tree.nodeCount > start ? start : -1 },
      turn,
    );
  else ipv6.add(new Uint32Array(4), ...NOTHING);
  ipv4.finish();
  ipv6.finish();
  return { ipv4, ipv6 };
}

interface Branch {
  readonly node: number;
  /** Its first address, in the words of the ranges. */
  readonly start: Uint32Array;
  readonly depth: number;
}

/** Visits all networks in the order of their addresses. */
async function expand(
  tree: Tree,
  ranges: NetworkRanges,
  { node, bits, skipped }: { node: number; bits: number; skipped: number },
  turn: Turn,
): Promise<void> {
  const waiting: Branch[] = [{ node, start: new Uint32Array(bits / 32), depth: 0 }];
  for (let steps = 1; ; steps++) {
    const branch = waiting.pop();
    if (branch === undefined) return;
    if (steps % STEPS === 0 && turn.isOver) await turn.next();
    const { node: at, start, depth } = branch;
    if (at === skipped) ranges.add(start, ...NOTHING);
    else if (at >= tree.nodeCount) ranges.add(start, ...tree.factsAt(at, start));
    else {
      if (depth === bits) throw new Error('its search tree is broken: a branch has no end');
      const right = start.slice();
      right[depth >>> 5] = ((right[depth >>> 5] as number) | (1 << (31 - (depth & 31)))) >>> 0;
      waiting.push({ node: tree.child(at, 1), start: right, depth: depth + 1 });
      waiting.push({ node: tree.child(at, 0), start, depth: depth + 1 });
    }
  }
}

/** The search tree of a file, and what its entries say. */
class Tree {
  readonly nodeCount: number;
  readonly isIpv6: boolean;
  readonly #bytes: Buffer;
  readonly #nodeBytes: number;
  readonly #reader: Reader<never>;
  readonly #facts = new Map<number, Facts>();

  constructor(bytes: Buffer) {
    this.#reader = new Reader(bytes);
    const { nodeCount, nodeByteSize, ipVersion, searchTreeSize } = this.#reader.metadata;
    if (searchTreeSize > bytes.length) throw new Error('it ends within its search tree');
    this.#bytes = bytes;
    this.nodeCount = nodeCount;
    this.#nodeBytes = nodeByteSize;
    this.isIpv6 = ipVersion === 6;
  }

  /** The record of a node: another node, nodeCount for nothing, or above it an entry. */
  child(node: number, side: 0 | 1): number {
    const at = node * this.#nodeBytes;
    const bytes = this.#bytes;
    switch (this.#nodeBytes) {
      case 6:
        return bytes.readUIntBE(at + side * 3, 3);
      case 7: {
        const middle = bytes[at + 3] as number;
        const top = side === 0 ? middle >>> 4 : middle & 0xf;
        return top * 2 ** 24 + bytes.readUIntBE(at + side * 4, 3);
      }
      default:
        return bytes.readUInt32BE(at + side * 4);
    }
  }

  ipv4Start(): number {
    if (!this.isIpv6) return 0;
    let node = 0;
    for (let depth = 0; depth < IPV4_DEPTH && node < this.nodeCount; depth++) {
      node = this.child(node, 0);
    }
    return node;
  }

  /** @param record above nodeCount for an entry @param address one that leads to it */
  factsAt(record: number, address: Uint32Array): Facts {
    if (record === this.nodeCount) return NOTHING;
    const known = this.#facts.get(record);
    if (known !== undefined) return known;
    const facts = factsOf(this.#reader.get(printed(address)));
    this.#facts.set(record, facts);
    return facts;
  }
}

function printed(address: Uint32Array): string {
  const [first = 0] = address;
  if (address.length === 4) return formatIpv6(address);
  return formatWords(Uint32Array.of(0, 0, 0xffff, first));
}

/** Never as IPv4: the tree has its own place for `::ffff:0:0/96`. */
function formatIpv6(words: Uint32Array): string {
  return [...words]
    .flatMap((word) => [word >>> 16, word & 0xffff].map((g) => g.toString(16)))
    .join(':');
}

/** Of MaxMind's own files, and those of IPinfo and DB-IP. */
function factsOf(entry: unknown): Facts {
  const fields = entry as {
    readonly autonomous_system_number?: unknown;
    readonly asn?: unknown;
    readonly country?: unknown;
    readonly registered_country?: unknown;
    readonly country_code?: unknown;
  } | null;
  if (fields === null || typeof fields !== 'object') return NOTHING;
  const as = asNumber(fields.autonomous_system_number) || asNumber(fields.asn);
  const country =
    countryOf(fields.country) ||
    countryOf(fields.registered_country) ||
    countryOf(fields.country_code);
  return [as, country];
}

function asNumber(value: unknown): number {
  const number = typeof value === 'string' ? Number(/^(?:AS)?(\d+)$/i.exec(value)?.[1]) : value;
  return typeof number === 'number' && number >= 0 && number < 2 ** 32 ? Math.trunc(number) : 0;
}

function countryOf(value: unknown): number {
  if (typeof value === 'string') return countryNumber(value);
  const code = (value as { iso_code?: unknown } | null | undefined)?.iso_code;
  return typeof code === 'string' ? countryNumber(code) : 0;
}
