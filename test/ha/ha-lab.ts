/** The whole lab: network, router, two nodes, and traffic through them. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { makeFolder } from '../lab/lab.ts';
import type { Tally } from './ledger.ts';
import { COLLECTOR, FIRST_EXPORTER, Network, type NodeName } from './network.ts';
import { ProxyNode } from './node.ts';
import { monotonicMs } from './program.ts';
import { Router } from './router.ts';
import { COLLECTOR_PORT, EXPORTERS, SERVICE_PORT, Traffic } from './traffic.ts';

export class HaLab implements AsyncDisposable {
  readonly #stack = new AsyncDisposableStack();
  readonly network: Network;
  readonly router: Router;
  readonly nodes: Readonly<Record<NodeName, ProxyNode>>;
  readonly traffic: Traffic;

  private constructor(parts: Pick<HaLab, 'network' | 'router' | 'nodes' | 'traffic'>) {
    this.network = parts.network;
    this.router = parts.router;
    this.nodes = parts.nodes;
    this.traffic = parts.traffic;
  }

  /** Returns when packets of all exporters arrive through both nodes. */
  static async start(): Promise<HaLab> {
    await using stack = new AsyncDisposableStack();
    const folder = makeFolder('ha');
    stack.defer(() => rmSync(folder, { recursive: true, force: true }));
    const network = stack.use(await Network.create());
    const router = stack.use(Router.start(network, folder));
    const node = async (name: NodeName, options: { leader?: NodeName; hasBfd: boolean }) => {
      const own = { folder: join(folder, name), listenPort: SERVICE_PORT };
      return stack.use(await ProxyNode.start(network, name, { ...own, ...options }));
    };
    const [a, b] = await Promise.all([
      node('a', { hasBfd: true }),
      node('b', { hasBfd: false, leader: 'a' }),
    ]);
    // Node b gets the rules from node a.
    await a.api.replace(rulesForAll());
    await router.waitForNodes(['a', 'b']);
    const traffic = stack.use(await Traffic.start(network, folder));
    const lab = new HaLab({ network, router, nodes: { a, b }, traffic });
    await traffic.waitForFirst();
    lab.#stack.use(stack.move());
    return lab;
  }

  /** What became of the packets from a time until now. */
  tallySince(fromMs: number): Promise<Tally> {
    return this.traffic.tally(fromMs, monotonicMs());
  }

  /** Lets traffic flow for a while. */
  async flow(ms: number): Promise<void> {
    await delay(ms);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

/** A rule for each exporter. */
function rulesForAll() {
  const [a, b, c, first] = FIRST_EXPORTER.split('.').map(Number);
  return {
    rules: Array.from({ length: EXPORTERS }, (_, i) => ({
      exporter: { host: `${a}.${b}.${c}.${(first ?? 0) + i}` },
      outputs: [[{ host: COLLECTOR, port: COLLECTOR_PORT }]],
    })),
  };
}
