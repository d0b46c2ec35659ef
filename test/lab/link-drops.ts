/**
 * Frames that the links of a lab lost. A veth hands each frame to the backlog of the sender's core
 * (net.core.netdev_max_backlog), which all namespaces of the machine share: when something floods the machine's
 * network, or the core is not let to it, the backlog is full and the link drops, and counts. So each copy
 * that is missing is either in these counts or lost by somebody else.
 */
import { run } from './shell.ts';

/** One end of a link: the one that sends. */
export interface LinkEnd {
  readonly namespace: string;
  readonly device: string;
}

/** Counts what links drop from the time it is made. */
export class LinkDrops {
  readonly #ends: readonly LinkEnd[];
  readonly #before: readonly number[];

  private constructor(ends: readonly LinkEnd[], before: readonly number[]) {
    this.#ends = ends;
    this.#before = before;
  }

  static async start(ends: readonly LinkEnd[]): Promise<LinkDrops> {
    return new LinkDrops(ends, await Promise.all(ends.map(droppedBy)));
  }

  /** Frames dropped since, by end. */
  async byEnd(): Promise<number[]> {
    const now = await Promise.all(this.#ends.map(droppedBy));
    return now.map((count, i) => count - (this.#before[i] ?? 0));
  }

  /** Frames dropped since, on all of them. */
  async total(): Promise<number> {
    return (await this.byEnd()).reduce((sum, count) => sum + count, 0);
  }
}

async function droppedBy({ namespace, device }: LinkEnd): Promise<number> {
  const file = `/sys/class/net/${device}/statistics/tx_dropped`;
  return Number(await run(['ip', 'netns', 'exec', namespace, 'cat', file]));
}
