/** How copies to collectors leave, as rows of a forwarding table. Layout: native/include/table.h. */
import { mappedOctets } from '../model/address.ts';
import type { Collector, Output } from '../model/rules.ts';
import { HEADER, LEAVE, TABLE } from './layout.ts';
import type { TouchedWords } from './touched-words.ts';

/** Of differentiated services in the traffic class: the lower bits are for congestion (RFC 2474, RFC 3168). */
const DSCP_SHIFT = 2;

/** @returns LEAVE.WORDS; undefined when copies leave as the exporter sent the packet */
export function leaveRow(collector: Collector): Int32Array | undefined {
  const { source, sourceEndpoint, hopLimit = 0, dscp = 0, ipv4SourcePrefix } = collector;
  const bytes = new Uint8Array(LEAVE.SIZE);
  const words = new Int32Array(bytes.buffer);
  let flags = source === 'PROXY' ? TABLE.LEAVE_PROXY : 0;
  if (sourceEndpoint !== undefined) {
    flags |= TABLE.LEAVE_SOURCE;
    bytes.set(mappedOctets(sourceEndpoint.octets), LEAVE.SOURCE * 4);
    bytes[LEAVE.SOURCE_PORT_BYTE] = sourceEndpoint.port >> 8;
    bytes[LEAVE.SOURCE_PORT_BYTE + 1] = sourceEndpoint.port & 0xff;
  }
  if (ipv4SourcePrefix !== undefined) {
    flags |= TABLE.LEAVE_PREFIX;
    bytes.set(ipv4SourcePrefix, LEAVE.PREFIX * 4);
  }
  bytes[LEAVE.HOP_LIMIT_BYTE] = hopLimit;
  bytes[LEAVE.TRAFFIC_CLASS_BYTE] = dscp << DSCP_SHIFT;
  words[LEAVE.FLAGS] = flags;
  return words.some((word) => word !== 0) ? words : undefined;
}

/** How many different rows outputs need. */
export function countLeaves(outputs: Iterable<Output>): number {
  const rows = new Set<string>();
  for (const { collectors = [] } of outputs) {
    for (const collector of collectors) rows.add(leaveRow(collector)?.join() ?? '');
  }
  rows.delete('');
  return rows.size;
}

interface Used {
  readonly index: number;
  uses: number;
}

/** Gives out rows: one for all collectors whose copies leave in the same way. */
export class Leaves {
  readonly capacity: number;
  readonly #byContent = new Map<string, Used>();
  readonly #contents: string[] = [];
  readonly #free: number[] = [];

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  /** From here on no row has been in use. */
  get used(): number {
    return this.#contents.length;
  }

  /**
   * Writes the row, unless it is there.
   *
   * @returns what a collector says of it (table_collector.leave); undefined when there is no room
   */
  take(row: Int32Array, words: Int32Array, touched?: TouchedWords): number | undefined {
    const content = row.join();
    const known = this.#byContent.get(content);
    if (known !== undefined) {
      known.uses++;
      return known.index + 1;
    }
    const index = this.#free.pop() ?? this.#contents.length;
    if (index >= this.capacity) return undefined;
    this.#contents[index] = content;
    this.#byContent.set(content, { index, uses: 1 });
    const at = (words[HEADER.LEAVES] as number) + index * LEAVE.WORDS;
    words.set(row, at);
    touched?.add(at, LEAVE.WORDS);
    return index + 1;
  }

  /** @param leave what take() has returned, or 0 */
  release(leave: number): void {
    const content = leave === 0 ? undefined : this.#contents[leave - 1];
    const used = content === undefined ? undefined : this.#byContent.get(content);
    if (used === undefined || --used.uses > 0) return;
    this.#byContent.delete(content as string);
    this.#free.push(used.index);
  }
}
