/**
 * A lab for announcements: the proxy's namespace is the node, and the exporters' namespace has the router, a
 * gobgpd that waits for sessions. The nodes' daemons run with the configurations of deploy/ha.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Message } from '@bufbuild/protobuf';
import { GobgpApi } from '../../src/announce/gobgp-api.ts';
import { type Lab, makeFolder } from '../lab/lab.ts';
import { Program } from '../lab/program.ts';
import { requireRoot } from '../lab/require-root.ts';
import { HANG_MS, waitFor } from '../lab/shell.ts';

export const SERVICE_V4 = '203.0.113.100';
export const SERVICE_V6 = '2001:db8:100::100';
export const BOTH: readonly string[] = [SERVICE_V4, SERVICE_V6];

/** The addresses in deploy/ha, and what they are in the lab. Longer ones first. */
const SUBSTITUTIONS = [
  ['192.0.2.11', '198.18.1.1'],
  ['2001:db8::11', 'fd00:1::1'],
  ['192.0.2.1', '198.18.1.2'],
  ['2001:db8::1', 'fd00:1::2'],
] as const;

/** For tests of routing daemons: root, and the programs. */
export function requirePrograms(...programs: readonly string[]): string | false {
  const noRoot = requireRoot();
  if (noRoot !== false) return noRoot;
  const env = { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin:/usr/lib/frr` };
  const missing = programs.filter((name) => spawnSync('which', [name], { env }).status !== 0);
  if (missing.length === 0) return false;
  const reason = `needs ${missing.join(', ')} (Debian: gobgpd, bird2, frr, exabgp)`;
  if (process.env['FLOXY_REQUIRE_ROOT_TESTS'] !== '1') return reason;
  throw new Error(`FLOXY_REQUIRE_ROOT_TESTS=1 forbids skipping, but this test ${reason}`);
}

/** A configuration of deploy/ha with the lab's addresses. */
export function readConfiguration(name: string): string {
  const file = fileURLToPath(new URL(`../../deploy/ha/${name}`, import.meta.url));
  return SUBSTITUTIONS.reduce(
    (text, [from, to]) => text.replaceAll(new RegExp(`${from}(?![0-9a-f:])`, 'g'), to),
    readFileSync(file, 'utf8'),
  );
}

/** A gobgpd in a namespace, with its API on a Unix socket: these are not bound to a namespace. */
export class Gobgpd implements AsyncDisposable {
  readonly #folder = makeFolder('gobgpd');
  readonly #namespace: string;
  readonly #config: string;
  readonly target: string;
  #daemon: Program;

  private constructor(namespace: string, configuration: string) {
    this.#namespace = namespace;
    this.#config = join(this.#folder, 'gobgpd.toml');
    writeFileSync(this.#config, configuration);
    this.target = `unix:${join(this.#folder, 'api.sock')}`;
    this.#daemon = this.#spawn();
  }

  static async start(namespace: string, configuration: string): Promise<Gobgpd> {
    const gobgpd = new Gobgpd(namespace, configuration);
    try {
      await gobgpd.#waitForApi();
    } catch (error) {
      await gobgpd[Symbol.asyncDispose]();
      throw error;
    }
    return gobgpd;
  }

  get pid(): number {
    return this.#daemon.pid;
  }

  /** Kills it and starts another one on the same socket. */
  async restart(): Promise<void> {
    await this.#daemon.end('SIGKILL');
    this.#daemon = this.#spawn();
    await this.#waitForApi();
  }

  /** Prefixes in its table, without their lengths. @param isLearnt from neighbours, or originated here */
  async routes(isLearnt: boolean): Promise<string[]> {
    using api = disposable(new GobgpApi(this.target));
    const found = await Promise.all(
      (['AFI_IP', 'AFI_IP6'] as const).map((afi) =>
        api.listPath({ family: { afi, safi: 'SAFI_UNICAST' } }),
      ),
    );
    return found.flat().flatMap((answer) => {
      const { destination } = answer as Listed;
      const isMatch = destination.paths.some((path) => (isIP(path.neighborIp) !== 0) === isLearnt);
      return isMatch ? [destination.prefix.replace(/\/.*/, '')] : [];
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#daemon[Symbol.asyncDispose]();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #spawn(): Program {
    const api = this.target.replace('unix:', 'unix://');
    rmSync(join(this.#folder, 'api.sock'), { force: true });
    const options = ['--api-hosts', api, '--pprof-disable', '-l', 'warn'];
    return new Program(this.#namespace, ['gobgpd', '-f', this.#config, ...options]);
  }

  async #waitForApi(): Promise<void> {
    await waitFor(
      () => `gobgpd answers: ${this.#daemon.log}`,
      () => this.routes(true).catch(() => undefined),
    );
  }
}

interface Listed extends Message {
  readonly destination: {
    readonly prefix: string;
    readonly paths: readonly { readonly neighborIp: string }[];
  };
}

function disposable(api: GobgpApi): GobgpApi & Disposable {
  return Object.assign(api, { [Symbol.dispose]: () => api.close() });
}

/** The router that the node's daemon has sessions with. */
export function startRouter(lab: Lab): Promise<Gobgpd> {
  const neighbour = (address: string, family: string) => `
[[neighbors]]
[neighbors.config]
neighbor-address = "${address}"
peer-as = 65001
[neighbors.transport.config]
passive-mode = true
[[neighbors.afi-safis]]
[neighbors.afi-safis.config]
afi-safi-name = "${family}-unicast"
`;
  const configuration = `[global.config]
as = 65000
router-id = "198.18.1.2"
${neighbour('198.18.1.1', 'ipv4')}${neighbour('fd00:1::1', 'ipv6')}`;
  return Gobgpd.start(lab.exporters, configuration);
}

/** Waits until the router has routes to exactly these addresses. @returns how long it took, in ms */
export async function waitForRoutes(
  router: Gobgpd,
  addresses: readonly string[],
  timeoutMs = HANG_MS,
): Promise<number> {
  const startMs = performance.now();
  let seen: string[] = [];
  await waitFor(
    () => `the router has routes to [${addresses}]; it has [${seen}]`,
    async () => {
      seen = await router.routes(true);
      return seen.length === addresses.length && addresses.every((a) => seen.includes(a));
    },
    timeoutMs,
  );
  return performance.now() - startMs;
}
