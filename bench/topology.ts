import { run } from './shell.ts';

/**
 * ```
 * generator namespace          proxy namespace, one for each run       collector namespace
 *          g0 ───────────────── in0            out0 ─────────────────── c0
 * ```
 * Collectors have addresses and one MAC address that belongs to nobody: copies end at the interface.
 */
export interface Path {
  readonly namespace: string;
  readonly generatorInterface: string;
  readonly collectorInterface: string;
  /** Of in0. */
  readonly mac: string;
}

export const FLOW_PORT = 2055;
export const INPUT_INTERFACE = 'in0';
export const OUTPUT_INTERFACE = 'out0';
export const COLLECTOR_MAC = '02:00:00:00:00:ff';
export const MAX_COPIES = 8;
const GATEWAY = { ipv4: '198.18.0.100', ipv6: 'fd00:c::100' } as const;

/** Where exporters send to. */
export const PROXY_ADDRESS = { ipv4: '198.19.0.1', ipv6: 'fd00:a::1' } as const;

/** Exporter addresses are counted up from here. */
export const FIRST_EXPORTER = { ipv4: '10.1.0.0', ipv6: 'fd00:e::1:0:0' } as const;

export function exporterAddress(family: 'ipv4' | 'ipv6', index: number): string {
  if (family === 'ipv6') {
    return `fd00:e::1:${(index >>> 16).toString(16)}:${(index & 0xffff).toString(16)}`;
  }
  return `10.${1 + (index >>> 16)}.${(index >>> 8) & 0xff}.${index & 0xff}`;
}

export function collectorAddresses(family: 'ipv4' | 'ipv6', copies: number): string[] {
  return Array.from({ length: copies }, (_, i) =>
    family === 'ipv4' ? `198.18.0.${i + 1}` : `fd00:c::${i + 1}`,
  );
}

/** What scenarios differ in between forwarder and collectors. */
export interface Link {
  readonly mtuBytes: number;
  readonly isRouted: boolean;
}

/** The network namespaces of a run. Removed when disposed of. */
export class Topology implements AsyncDisposable {
  readonly generatorNamespace: string;
  readonly collectorNamespace: string;
  readonly #prefix: string;
  readonly #namespaces: string[] = [];
  readonly #paths: Path[] = [];
  readonly #routed = new Set<Path>();

  private constructor(prefix: string) {
    this.#prefix = prefix;
    this.generatorNamespace = `${prefix}-generator`;
    this.collectorNamespace = `${prefix}-collector`;
  }

  static async create(prefix: string): Promise<Topology> {
    const topology = new Topology(prefix);
    try {
      await topology.#addNamespace(topology.generatorNamespace);
      await topology.#addNamespace(topology.collectorNamespace);
    } catch (error) {
      await topology[Symbol.asyncDispose]();
      throw error;
    }
    return topology;
  }

  /** The path with this number; made when it is asked for the first time. */
  async path(index: number, link: Link): Promise<Path> {
    while (this.#paths.length <= index) await this.#addPath();
    const path = this.#paths[index];
    if (path === undefined) throw new RangeError(`no path ${index}`);
    const mtu = ['mtu', `${link.mtuBytes}`];
    await run('ip', ['-n', path.namespace, 'link', 'set', OUTPUT_INTERFACE, ...mtu]);
    const collector = ['link', 'set', path.collectorInterface, ...mtu];
    await run('ip', ['-n', this.collectorNamespace, ...collector]);
    if (link.isRouted !== this.#routed.has(path)) await this.#setRoutes(path, link.isRouted);
    return path;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const namespace of this.#namespaces.reverse()) {
      await run('ip', ['netns', 'delete', namespace]);
    }
    this.#namespaces.length = 0;
  }

  async #addNamespace(name: string): Promise<void> {
    await run('ip', ['netns', 'add', name]);
    this.#namespaces.push(name);
    const settings = [
      'net.ipv4.conf.all.rp_filter=0',
      'net.ipv4.conf.default.rp_filter=0',
      // Nothing but copies may be counted at the collectors.
      'net.ipv6.conf.default.addr_gen_mode=1',
      'net.ipv6.conf.default.accept_ra=0',
      'net.ipv6.conf.default.router_solicitations=0',
    ];
    await run('ip', ['netns', 'exec', name, 'sysctl', '-qw', ...settings]);
    await run('ip', ['-n', name, 'link', 'set', 'lo', 'up']);
  }

  async #addPath(): Promise<void> {
    const index = this.#paths.length;
    const namespace = `${this.#prefix}-proxy${index}`;
    const path = { namespace, generatorInterface: `g${index}`, collectorInterface: `c${index}` };
    await this.#addNamespace(namespace);
    await this.#link(path.generatorInterface, this.generatorNamespace, namespace, INPUT_INTERFACE);
    await this.#link(path.collectorInterface, this.collectorNamespace, namespace, OUTPUT_INTERFACE);
    const ip = (...args: string[]) => run('ip', ['-n', namespace, ...args]);
    for (const address of [`${PROXY_ADDRESS.ipv4}/24`, `${PROXY_ADDRESS.ipv6}/64`]) {
      await ip('address', 'add', address, 'dev', INPUT_INTERFACE, ...noDad(address));
    }
    for (const address of ['198.18.0.254/24', 'fd00:c::fe/64']) {
      await ip('address', 'add', address, 'dev', OUTPUT_INTERFACE, ...noDad(address));
    }
    for (const family of ['ipv4', 'ipv6'] as const) {
      for (const address of [...collectorAddresses(family, MAX_COPIES), GATEWAY[family]]) {
        const place = ['lladdr', COLLECTOR_MAC, 'dev', OUTPUT_INTERFACE, 'nud', 'permanent'];
        await ip('neighbour', 'add', address, ...place);
      }
    }
    const text = await ip('-json', 'link', 'show', INPUT_INTERFACE);
    const [link] = JSON.parse(text) as [{ address: string }];
    this.#paths.push({ ...path, mac: link.address });
  }

  /** Each collector by a route of its own through the gateway, or all on the link. */
  async #setRoutes(path: Path, isRouted: boolean): Promise<void> {
    for (const family of ['ipv4', 'ipv6'] as const) {
      const way = ['via', GATEWAY[family], 'dev', OUTPUT_INTERFACE];
      for (const address of collectorAddresses(family, MAX_COPIES)) {
        const change = isRouted ? ['replace', address, ...way] : ['delete', address, ...way];
        const version = family === 'ipv4' ? '-4' : '-6';
        await run('ip', ['-n', path.namespace, version, 'route', ...change]);
      }
    }
    if (isRouted) this.#routed.add(path);
    else this.#routed.delete(path);
  }

  /** An end that only sends or counts, and an end in the proxy's namespace. */
  async #link(end: string, namespace: string, proxy: string, proxyEnd: string): Promise<void> {
    const peer = ['peer', 'name', proxyEnd, 'netns', proxy];
    await run('ip', ['-n', namespace, 'link', 'add', end, 'type', 'veth', ...peer]);
    const silent = [`net.ipv6.conf.${end}.disable_ipv6=1`];
    await run('ip', ['netns', 'exec', namespace, 'sysctl', '-qw', ...silent]);
    await run('ip', ['-n', namespace, 'link', 'set', end, 'arp', 'off', 'up']);
    await run('ip', ['-n', proxy, 'link', 'set', proxyEnd, 'up']);
  }
}

function noDad(address: string): string[] {
  return address.includes(':') ? ['nodad'] : [];
}
