/** The router of the lab (router.conf), and what its kernel does with packets for the service address. */
import { fileURLToPath } from 'node:url';
import { Program } from '../lab/program.ts';
import { waitFor } from '../lab/shell.ts';
import { LAN_ADDRESS, type Network, NODE_NAMES, type NodeName, SERVICE } from './network.ts';
import { monotonicMs } from './program.ts';

const CONFIGURATION = fileURLToPath(new URL('router.conf', import.meta.url));

/** The route to the service address is another one since then. */
interface RouteChange {
  readonly atMs: number;
  readonly nodes: readonly NodeName[];
}

export class Router implements AsyncDisposable {
  readonly #stack = new AsyncDisposableStack();
  readonly #bird: Program;
  readonly #monitor: Program;
  readonly #changes: RouteChange[] = [];
  #seenBytes = 0;

  private constructor(network: Network, folder: string) {
    this.#monitor = this.#stack.use(
      new Program(network.router, ['ip', '-o', 'monitor', 'route'], {
        onOutput: () => this.#readMonitor(),
      }),
    );
    const files = ['-c', CONFIGURATION, '-s', `${folder}/router.ctl`];
    this.#bird = this.#stack.use(new Program(network.router, ['bird', '-f', ...files]));
  }

  /** @param folder for the control socket of bird */
  static start(network: Network, folder: string): Router {
    return new Router(network, folder);
  }

  /** Nodes that get a share at present. */
  get nodes(): readonly NodeName[] {
    return this.#changes.at(-1)?.nodes ?? [];
  }

  /** When the router ceased to use a node, after a time, and whether it has kept to that; undefined: it has not. */
  goneSince(node: NodeName, sinceMs: number): number | undefined {
    if (this.nodes.includes(node)) return undefined;
    const index = this.#changes.findLastIndex(({ nodes }) => nodes.includes(node));
    const gone = this.#changes[index + 1];
    return gone !== undefined && gone.atMs >= sinceMs ? gone.atMs : undefined;
  }

  /** How often the route has changed since a time. */
  changesSince(atMs: number): number {
    return this.#changes.filter((change) => change.atMs >= atMs).length;
  }

  /** Waits until exactly these nodes get a share. @returns when that was, in monotonic ms */
  async waitForNodes(nodes: readonly NodeName[]): Promise<number> {
    const wanted = nodes.join();
    await waitFor(
      () => `the router sends to [${wanted}]; it does to [${this.nodes}]\n${this.#bird.log}`,
      () => this.nodes.join() === wanted,
    );
    return this.#changes.at(-1)?.atMs ?? 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }

  #readMonitor(): void {
    const atMs = monotonicMs();
    const text = this.#monitor.log.slice(this.#seenBytes);
    const end = text.lastIndexOf('\n') + 1;
    this.#seenBytes += end;
    for (const line of text.slice(0, end).split('\n')) {
      if (!line.includes(`${SERVICE} `)) continue;
      const hops = new Set([...line.matchAll(/via (\S+)/g)].map(([, address]) => address));
      const nodes = line.startsWith('Deleted')
        ? []
        : NODE_NAMES.filter((node) => hops.has(LAN_ADDRESS[node]));
      this.#changes.push({ atMs, nodes });
    }
  }
}
