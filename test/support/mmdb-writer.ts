/** Writes files in MaxMind's format (DB specification 2.0), small ones, for tests. */

export type MmdbValue = string | number | { readonly [key: string]: MmdbValue };

export interface MmdbNetwork {
  /** 4 or 16 octets. In a file of IPv6 the 4 stand at ::/96. */
  readonly octets: Uint8Array;
  readonly length: number;
  readonly entry: MmdbValue;
}

const MARKER = Buffer.from('ABCDEF4D61784D696E642E636F6D', 'hex');
const SEPARATOR = Buffer.alloc(16);

type Node = [Node | number | undefined, Node | number | undefined];

/**
 * @param networks later ones go before earlier ones
 * @param options which addresses the file is for, and bits of a record: 24, 28 or 32
 */
export function writeMmdb(
  networks: readonly MmdbNetwork[],
  { ipVersion = 6, recordSize = 28 }: { ipVersion?: 4 | 6; recordSize?: 24 | 28 | 32 } = {},
): Buffer {
  const entries: Buffer[] = [];
  const offsets: number[] = [];
  let size = 0;
  for (const { entry } of networks) {
    const bytes = encode(entry);
    offsets.push(size);
    entries.push(bytes);
    size += bytes.length;
  }
  const root: Node = [undefined, undefined];
  for (const [i, network] of networks.entries()) insert(root, pathOf(network, ipVersion), i);
  const nodes = listNodes(root);
  const numbers = new Map(nodes.map((node, i) => [node, i]));
  const record = (child: Node | number | undefined) => {
    if (child === undefined) return nodes.length;
    if (typeof child === 'number') return nodes.length + SEPARATOR.length + (offsets[child] ?? 0);
    return numbers.get(child) ?? 0;
  };
  const tree = nodes.map(([left, right]) => packNode(record(left), record(right), recordSize));
  const metadata = encode({
    binary_format_major_version: 2,
    binary_format_minor_version: 0,
    build_epoch: 1_700_000_000,
    database_type: 'Test',
    description: { en: 'test' },
    ip_version: ipVersion,
    languages: {},
    node_count: nodes.length,
    record_size: recordSize,
  });
  return Buffer.concat([...tree, SEPARATOR, ...entries, MARKER, metadata]);
}

/** Bits from the root. */
function pathOf({ octets, length }: MmdbNetwork, ipVersion: 4 | 6): number[] {
  const own = Array.from({ length }, (_, i) => ((octets[i >> 3] ?? 0) >> (7 - (i & 7))) & 1);
  return ipVersion === 6 && octets.length === 4 ? [...new Array<number>(96).fill(0), ...own] : own;
}

function insert(root: Node, bits: readonly number[], entry: number): void {
  let node = root;
  for (const [i, bit] of bits.entries()) {
    if (i === bits.length - 1) node[bit] = entry;
    else {
      const child = node[bit];
      const next: Node = Array.isArray(child) ? child : [child, child];
      node[bit] = next;
      node = next;
    }
  }
}

function listNodes(root: Node): Node[] {
  const nodes = [root];
  for (const node of nodes) {
    for (const child of node) if (Array.isArray(child)) nodes.push(child);
  }
  return nodes;
}

function packNode(left: number, right: number, recordSize: 24 | 28 | 32): Buffer {
  const bytes = Buffer.alloc(recordSize / 4);
  if (recordSize === 28) {
    bytes.writeUIntBE(left % 2 ** 24, 0, 3);
    bytes[3] = (Math.floor(left / 2 ** 24) << 4) | Math.floor(right / 2 ** 24);
    bytes.writeUIntBE(right % 2 ** 24, 4, 3);
  } else {
    const octets = recordSize / 8;
    bytes.writeUIntBE(left, 0, octets);
    bytes.writeUIntBE(right, octets, octets);
  }
  return bytes;
}

const TEXT = 2;
const UINT32 = 6;
const MAP = 7;

function encode(value: MmdbValue): Buffer {
  if (typeof value === 'string') {
    const bytes = Buffer.from(value);
    return Buffer.concat([control(TEXT, bytes.length), bytes]);
  }
  if (typeof value === 'number') {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(value);
    return Buffer.concat([control(UINT32, 4), bytes]);
  }
  const pairs = Object.entries(value).flat().map(encode);
  return Buffer.concat([control(MAP, pairs.length / 2), ...pairs]);
}

function control(type: number, size: number): Buffer {
  if (size >= 29 + 256) throw new RangeError('longer than this writer can');
  return size < 29 ? Buffer.of((type << 5) | size) : Buffer.of((type << 5) | 29, size - 29);
}
