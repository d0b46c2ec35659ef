import { formatAddress } from '../model/address.ts';
import { needsInterface } from '../model/address-kind.ts';
import type { FrameHop } from './frame-way.ts';

/** The kernel itself asks a neighbour that it uses about as often. */
const AGAIN_MS = 10_000;

/** Has the kernel send something small to a neighbour. @param address with its link, where it needs one: `fe80::1%eth0` */
export type AskNeighbour = (address: string) => void;

/**
 * The kernel does not see frames, so a neighbour that gets nothing else becomes stale and may be gone, or have moved,
 * without its noticing. When it is made to send something itself, it asks whether the neighbour is there (RFC 4861
 * section 7.3, which Linux follows for ARP as well).
 */
export class StaleNeighbours {
  readonly #ask: AskNeighbour;
  readonly #now: () => number;
  /** When each was asked last. */
  #askedMs = new Map<string, number>();

  constructor(ask: AskNeighbour, now: () => number = () => performance.now()) {
    this.#ask = ask;
    this.#now = now;
  }

  /** @param hops all that get frames */
  look(hops: Iterable<FrameHop>): void {
    const asked = new Map<string, number>();
    for (const hop of hops) {
      if (hop.neighbour?.state !== 'stale') continue;
      const address = scoped(hop);
      const before = asked.get(address) ?? this.#askedMs.get(address) ?? Number.NEGATIVE_INFINITY;
      const isDue = this.#now() - before >= AGAIN_MS;
      asked.set(address, isDue ? this.#now() : before);
      if (isDue) this.#ask(address);
    }
    // Who was asked is not stale at the moment, but may be again.
    for (const [address, atMs] of this.#askedMs)
      if (!asked.has(address) && this.#now() - atMs < AGAIN_MS) asked.set(address, atMs);
    this.#askedMs = asked;
  }
}

function scoped({ octets, link }: FrameHop): string {
  const address = formatAddress(octets);
  return needsInterface(octets) ? `${address}%${link.name}` : address;
}
