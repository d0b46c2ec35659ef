import type { Link, Neighbour, Route } from './network.ts';

/** Who takes packets of a route next. */
export interface NextHop {
  readonly link: Link | undefined;
  /** The gateway, or the destination itself; 4 or 16 bytes. */
  readonly octets: Uint8Array;
  /** What the kernel knows of whether it answers. */
  readonly neighbour: Neighbour | undefined;
}

/** Links and neighbours of one moment, to look up the next hops of routes. */
export class NextHops {
  readonly #links: ReadonlyMap<number, Link>;
  readonly #neighbours: ReadonlyMap<string, Neighbour>;

  constructor(links: readonly Link[], neighbours: readonly Neighbour[]) {
    this.#links = new Map(links.map((link) => [link.index, link]));
    this.#neighbours = new Map(neighbours.map((one) => [keyOf(one.link, one.octets), one]));
  }

  of({ link, gateway }: Pick<Route, 'link' | 'gateway'>, destination: Uint8Array): NextHop {
    const octets = gateway ?? destination;
    return {
      link: this.#links.get(link),
      octets,
      neighbour: this.#neighbours.get(keyOf(link, octets)),
    };
  }
}

function keyOf(link: number, octets: Uint8Array): string {
  return `${link} ${octets.join('.')}`;
}
