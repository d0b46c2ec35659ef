/**
 * The network of the high availability lab, in namespaces. The addresses are those of deploy/ha, so that its
 * configurations run here as they are.
 *
 *     exporters ── router ──┬── node a ──┐
 *     100.64.0.1…           └── node b ──┴── collector
 *                    lan: a switch          198.51.100.1
 *
 * Nodes and router are on one LAN, so that a node that loses its power leaves no link of the router without a
 * carrier: the router learns it by BGP or BFD only. The nodes have a link of their own between them (`mgmt`),
 * over which rules are followed.
 */
import type { LinkEnd } from '../lab/link-drops.ts';
import {
  addNamespaces,
  ip,
  removeNamespace,
  setKernelSwitches,
  sweepNamespaces,
} from '../lab/namespaces.ts';
import { run } from '../lab/shell.ts';

/** Both nodes carry it. */
export const SERVICE = '203.0.113.100';
export const FIRST_EXPORTER = '100.64.0.1';
export const COLLECTOR = '198.51.100.1';
/** Of the router's link to the exporters, whose generator writes frames. */
export const ROUTER_MAC = '02:fa:00:00:01:01';
/** Copies go to this address: the judge sees them on the link, and nothing answers them. */
const NOBODYS_MAC = '02:fa:00:00:02:ff';
export const NODE_NAMES = ['a', 'b'] as const;
export type NodeName = (typeof NODE_NAMES)[number];

export const LAN_ADDRESS: Readonly<Record<NodeName, string>> = {
  a: '192.0.2.11',
  b: '192.0.2.12',
};
export const MANAGEMENT_ADDRESS: Readonly<Record<NodeName, string>> = {
  a: '10.40.0.1',
  b: '10.40.0.2',
};

/** Set before the interfaces are made, which start with the defaults. */
const KERNEL_SWITCHES = [
  'net.ipv4.conf.all.rp_filter=0',
  'net.ipv4.conf.default.rp_filter=0',
  'net.ipv4.conf.all.send_redirects=0',
  'net.ipv4.ip_forward=1',
  // The router spreads by addresses and ports: each exporter stays on its node.
  'net.ipv4.fib_multipath_hash_policy=1',
];

const NAME_PATTERN = /^fha-(\d+)-(exp|rtr|a|b|col)$/;

export class Network implements AsyncDisposable {
  readonly exporters: string;
  readonly router: string;
  readonly nodes: Readonly<Record<NodeName, string>>;
  /** Its interfaces are called `a` and `b`, as the nodes. */
  readonly collector: string;

  private constructor(prefix: string) {
    this.exporters = `${prefix}-exp`;
    this.router = `${prefix}-rtr`;
    this.nodes = { a: `${prefix}-a`, b: `${prefix}-b` };
    this.collector = `${prefix}-col`;
  }

  static async create(): Promise<Network> {
    await sweepNamespaces(NAME_PATTERN);
    const network = new Network(`fha-${process.pid}`);
    try {
      await network.#build();
    } catch (error) {
      await network[Symbol.asyncDispose]();
      throw error;
    }
    return network;
  }

  /** Where packets leave on their way to the collector, but for the links of one node. */
  linkEnds(without?: NodeName): LinkEnd[] {
    const ofNodes = NODE_NAMES.filter((node) => node !== without).flatMap((node) => [
      { namespace: this.router, device: node },
      { namespace: this.nodes[node], device: 'col' },
    ]);
    return [{ namespace: this.exporters, device: 'rtr' }, ...ofNodes];
  }

  /** Switches the links of a node to the others on or off at their far ends, as the power of the node would. */
  async setPower(node: NodeName, isOn: boolean): Promise<void> {
    const state = isOn ? 'up' : 'down';
    await Promise.all([
      run(['ip', '-n', this.router, 'link', 'set', 'dev', node, state]),
      run(['ip', '-n', this.collector, 'link', 'set', 'dev', node, state]),
    ]);
  }

  /**
   * Cuts the way between the nodes, or mends it. Nothing that node a sends arrives, and neither side is told. (With
   * a link that is down it would be the kernel's search for the neighbour, once a second, that is measured.)
   */
  async setManagementPath(isThere: boolean): Promise<void> {
    const verb = isThere ? 'del' : 'add';
    const route = ['blackhole', `${MANAGEMENT_ADDRESS.b}/32`];
    await run(['ip', '-n', this.nodes.a, 'route', verb, ...route]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const name of this.#names()) await removeNamespace(name);
  }

  #names(): string[] {
    return [this.exporters, this.router, ...Object.values(this.nodes), this.collector];
  }

  async #build(): Promise<void> {
    const names = this.#names();
    await addNamespaces(names);
    await Promise.all(names.map((name) => setKernelSwitches(name, KERNEL_SWITCHES)));
    await ip(this.router, [
      'link set lo up',
      `link add exp address ${ROUTER_MAC} type veth peer name rtr netns ${this.exporters}`,
      'link add lan type bridge',
      ...NODE_NAMES.flatMap((node) => [
        `link add name ${node} type veth peer name lan netns ${this.nodes[node]}`,
        `link set dev ${node} master lan up`,
      ]),
      'addr add 10.10.0.1/30 dev exp',
      'addr add 192.0.2.1/24 dev lan',
      'link set exp up',
      'link set lan up',
      'route add 100.64.0.0/16 via 10.10.0.2',
    ]);
    await ip(this.exporters, [
      'link set lo up',
      'addr add 10.10.0.2/30 dev rtr',
      'link set rtr up',
      'route add default via 10.10.0.1',
      // Every address of the prefix is here.
      'route add local 100.64.0.0/16 dev lo',
    ]);
    await ip(this.nodes.a, [
      `link add mgmt type veth peer name mgmt netns ${this.nodes.b}`,
      ...(await this.#linkToCollector('a', '10.30.1')),
    ]);
    await ip(this.nodes.b, await this.#linkToCollector('b', '10.30.2'));
    await ip(this.collector, [
      'link set lo up',
      `addr add ${COLLECTOR}/32 dev lo`,
      ...NODE_NAMES.map((node) => `link set dev ${node} up`),
      'addr add 10.30.1.2/30 dev a',
      'addr add 10.30.2.2/30 dev b',
    ]);
  }

  async #linkToCollector(node: NodeName, subnet: string): Promise<string[]> {
    return [
      'link set lo up',
      `link add col type veth peer name ${node} netns ${this.collector}`,
      `addr add ${SERVICE}/32 dev lo`,
      `addr add ${LAN_ADDRESS[node]}/24 dev lan`,
      `addr add ${subnet}.1/30 dev col`,
      `addr add ${MANAGEMENT_ADDRESS[node]}/30 dev mgmt`,
      'link set lan up',
      'link set col up',
      `neigh replace ${subnet}.2 lladdr ${NOBODYS_MAC} dev col nud permanent`,
      'link set mgmt up',
      'route add default via 192.0.2.1',
      `route add ${COLLECTOR} via ${subnet}.2`,
    ];
  }
}
