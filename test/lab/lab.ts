/**
 * The lab: three network namespaces, so that tests see real packets of a real service and touch nothing
 * of the machine they run on.
 *
 *     exp ──────────────── prx ──────────────── col
 *     198.18.1.2           198.18.1.1
 *                          198.18.2.1           198.18.2.2
 *     fd00:1::2            fd00:1::1
 *                          fd00:2::1            fd00:2::2
 *     203.0.113.0/24       the service          198.51.100.0/24
 *     100.64.0.0/16                             192.0.2.0/24
 *     2001:db8:e::/48                           2001:db8:c::/48
 *
 * The exporter side owns every address of its prefixes, and so does the collector side ("AnyIP": one local
 * route for a whole prefix). Single addresses are added with `addExporterAddresses`. Neighbours are fixed,
 * so that no packet waits for, or is lost to, address resolution. Reverse path filters are off; there is
 * no route back from the collectors to the exporters: nothing but the proxy's copies is on the wire.
 *
 * Names carry the pid of the test, so test files run side by side, and a lab whose test was killed is
 * removed when the next one starts.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LinkEnd } from './link-drops.ts';
import {
  addNamespaces,
  ip,
  pidsIn,
  removeNamespace,
  setKernelSwitches,
  sweepNamespaces,
} from './namespaces.ts';
import { isAlive, run } from './shell.ts';

export const PROXY_V4 = '198.18.1.1';
export const PROXY_V6 = 'fd00:1::1';
/** The address of the proxy's host on the collectors' side. */
export const PROXY_COLLECTOR_SIDE_V4 = '198.18.2.1';
export const COLLECTOR_HOST_V4 = '198.18.2.2';
export const COLLECTOR_HOST_V6 = 'fd00:2::2';
const EXPORTER_PREFIXES = ['203.0.113.0/24', '100.64.0.0/16', '2001:db8:e::/48'];
const COLLECTOR_PREFIXES = ['198.51.100.0/24', '192.0.2.0/24', '2001:db8:c::/48'];

/** The links' hardware addresses, by namespace and peer. */
const MAC = {
  exp: '02:f1:00:00:01:02',
  prxExp: '02:f1:00:00:01:01',
  prxCol: '02:f1:00:00:02:01',
  col: '02:f1:00:00:02:02',
};

/** IPv6 sockets bind to addresses of a local route only with ip_nonlocal_bind. */
const KERNEL_SWITCHES = [
  'net.ipv6.conf.default.accept_dad=0',
  'net.ipv6.conf.default.accept_ra=0',
  'net.ipv6.ip_nonlocal_bind=1',
];

/** Makes a temporary folder, which the next lab removes when the test is killed before it can. */
export function makeFolder(purpose: string): string {
  return mkdtempSync(join(tmpdir(), `flx-${process.pid}-${purpose}-`));
}

export interface LabOptions {
  /** Of the link between exporters and proxy; default 1500. */
  readonly exporterMtu?: number;
  /** Of the link between proxy and collectors; default 1500. */
  readonly collectorMtu?: number;
}

const NAME_PATTERN = /^flx-(\d+)-\d+-(exp|prx|col)$/;
const FOLDER_PATTERN = /^flx-(\d+)-/;
let labs = 0;

export class Lab implements AsyncDisposable {
  /** Namespace of the exporters; its link to the proxy is called `prx`. */
  readonly exporters: string;
  /** Namespace of the proxy; its links are called `exp` and `col`. */
  readonly proxy: string;
  /** Namespace of the collectors; its link to the proxy is called `prx`. */
  readonly collectors: string;

  private constructor(prefix: string) {
    this.exporters = `${prefix}-exp`;
    this.proxy = `${prefix}-prx`;
    this.collectors = `${prefix}-col`;
  }

  static async create(options: LabOptions = {}): Promise<Lab> {
    await sweep();
    const lab = new Lab(`flx-${process.pid}-${labs++}`);
    try {
      await lab.#build(options);
    } catch (error) {
      await lab[Symbol.asyncDispose]();
      throw error;
    }
    return lab;
  }

  /** Where packets leave on their way from the exporters to the proxy, and copies on theirs to the collectors. */
  get linkEnds(): readonly [LinkEnd, LinkEnd] {
    return [
      { namespace: this.exporters, device: 'prx' },
      { namespace: this.proxy, device: 'col' },
    ];
  }

  /** Gives the exporters' namespace more addresses, such as those of a recorded capture. */
  async addExporterAddresses(addresses: Iterable<string>): Promise<void> {
    const lines = [...addresses].map((address) =>
      address.includes(':')
        ? `addr add ${address}/128 dev lo nodad`
        : `addr add ${address}/32 dev lo`,
    );
    await ip(this.exporters, lines);
  }

  /** Runs a program in a namespace of the lab, to its end. */
  async run(namespace: string, command: readonly string[]): Promise<string> {
    return run(['ip', 'netns', 'exec', namespace, ...command]);
  }

  /** Pids of all processes in a namespace, by default that of the proxy. */
  async proxyPids(namespace: string = this.proxy): Promise<number[]> {
    return pidsIn(namespace);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const name of [this.exporters, this.proxy, this.collectors]) await removeNamespace(name);
  }

  async #build(options: LabOptions): Promise<void> {
    const names = [this.exporters, this.proxy, this.collectors];
    await addNamespaces(names);
    await Promise.all(names.map((name) => setKernelSwitches(name, KERNEL_SWITCHES)));
    const { exporterMtu = 1500, collectorMtu = 1500 } = options;
    await ip(this.proxy, [
      'link set lo up',
      ...link('exp', MAC.prxExp, this.exporters, MAC.exp, exporterMtu),
      ...link('col', MAC.prxCol, this.collectors, MAC.col, collectorMtu),
      ...addresses('exp', '198.18.1.1/24', 'fd00:1::1/64', MAC.exp, ['198.18.1.2', 'fd00:1::2']),
      ...addresses('col', '198.18.2.1/24', 'fd00:2::1/64', MAC.col, ['198.18.2.2', 'fd00:2::2']),
      ...COLLECTOR_PREFIXES.map((prefix) => `route add ${prefix} via ${gateway(prefix)} dev col`),
    ]);
    await ip(this.exporters, [
      'link set lo up',
      `link set prx mtu ${exporterMtu} up`,
      ...addresses('prx', '198.18.1.2/24', 'fd00:1::2/64', MAC.prxExp, ['198.18.1.1', 'fd00:1::1']),
      ...EXPORTER_PREFIXES.map((prefix) => `route add local ${prefix} dev lo`),
    ]);
    await ip(this.collectors, [
      'link set lo up',
      `link set prx mtu ${collectorMtu} up`,
      ...addresses('prx', '198.18.2.2/24', 'fd00:2::2/64', MAC.prxCol, ['198.18.2.1', 'fd00:2::1']),
      ...COLLECTOR_PREFIXES.map((prefix) => `route add local ${prefix} dev lo`),
    ]);
    await this.#switchOffReversePathFilters();
    await this.#haveChecksumsOnTheWire();
  }

  /** A veth leaves checksums to be filled in by a network card that never comes: packets have them as on a real wire. */
  async #haveChecksumsOnTheWire(): Promise<void> {
    await this.run(this.exporters, ['ethtool', '-K', 'prx', 'tx', 'off']);
  }

  /** The filter in force is the stricter one of `all` and the interface. */
  async #switchOffReversePathFilters(): Promise<void> {
    const off = (interfaces: string[]) =>
      interfaces.map((name) => `net.ipv4.conf.${name}.rp_filter=0`);
    await setKernelSwitches(this.proxy, off(['all', 'lo', 'exp', 'col']));
    await setKernelSwitches(this.collectors, off(['all', 'lo', 'prx']));
  }
}

function link(name: string, mac: string, peer: string, peerMac: string, mtu: number): string[] {
  return [
    `link add ${name} address ${mac} mtu ${mtu} type veth peer name prx address ${peerMac} netns ${peer}`,
    `link set ${name} up`,
  ];
}

function addresses(
  device: string,
  v4: string,
  v6: string,
  peerMac: string,
  peers: string[],
): string[] {
  return [
    `addr add ${v4} dev ${device}`,
    `addr add ${v6} dev ${device} nodad`,
    ...peers.map((peer) => `neigh replace ${peer} lladdr ${peerMac} dev ${device} nud permanent`),
  ];
}

function gateway(prefix: string): string {
  return prefix.includes(':') ? COLLECTOR_HOST_V6 : COLLECTOR_HOST_V4;
}

/** Removes the namespaces and the temporary folders of tests that are no longer alive. */
async function sweep(): Promise<void> {
  for (const name of readdirSync(tmpdir())) {
    const pid = FOLDER_PATTERN.exec(name)?.[1];
    if (pid === undefined || isAlive(Number(pid))) continue;
    rmSync(join(tmpdir(), name), { recursive: true, force: true });
  }
  await sweepNamespaces(NAME_PATTERN);
}
