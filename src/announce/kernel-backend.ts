import { execFile } from 'node:child_process';
import { isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';
import { promisify } from 'node:util';
import { messageOf } from '../base/errors.ts';
import { formatAddress, parseAddress } from '../model/address.ts';
import { type RouteBackend, RouteError } from './route-backend.ts';

const DEVICE = 'lo';
const COMMAND_TIMEOUT_MS = 2_000;

/** Runs `ip` with arguments. @throws Error with what it wrote to standard error */
export type RunIp = (args: readonly string[]) => Promise<void>;

export interface LoopbackAddress {
  /** Canonical. */
  readonly address: string;
  /** Bits of its network: the kernel deletes an address only when they are named as they are. */
  readonly prefixLength: number;
}

/** The system that the addresses are on; replaced in tests. */
export interface KernelAccess {
  readonly runIp: RunIp;
  /** Addresses of the loopback device, as they are now. */
  readonly loopbackAddresses: () => readonly LoopbackAddress[];
}

/**
 * Addresses on the loopback device, for routing daemons that announce what they find there (bird: `protocol
 * direct`, FRR: `redistribute connected`). Needs CAP_NET_ADMIN.
 */
export class KernelBackend implements RouteBackend {
  readonly name = `addresses on ${DEVICE}`;
  readonly #addresses: ReadonlySet<string>;
  readonly #kernel: KernelAccess;

  /** @param addresses canonical */
  constructor(addresses: readonly string[], kernel: KernelAccess = hostKernel) {
    this.#addresses = new Set(addresses);
    this.#kernel = kernel;
  }

  async announced(): Promise<ReadonlySet<string>> {
    return new Set(this.#present().map(({ address }) => address));
  }

  async announce(address: string): Promise<void> {
    // A deprecated IPv6 address (preferred_lft 0) serves whoever calls it, and is no source of calls from here.
    const options = isIPv6(address) ? ['nodad', 'preferred_lft', '0', 'valid_lft', 'forever'] : [];
    await this.#change('add', { address, prefixLength: hostLength(address) }, options);
  }

  async withdraw(address: string): Promise<void> {
    for (const present of this.#present()) {
      if (present.address === address) await this.#change('del', present, []);
    }
  }

  close(): void {
    // Nothing is held open.
  }

  #present(): readonly LoopbackAddress[] {
    return this.#kernel.loopbackAddresses().filter(({ address }) => this.#addresses.has(address));
  }

  async #change(
    verb: 'add' | 'del',
    { address, prefixLength }: LoopbackAddress,
    options: readonly string[],
  ): Promise<void> {
    const prefix = `${address}/${prefixLength}`;
    const args = ['addr', verb, prefix, 'dev', DEVICE, ...options];
    try {
      await this.#kernel.runIp(args);
    } catch (error) {
      throw new RouteError(`ip ${args.join(' ')}: ${explain(error)}`, { cause: error });
    }
  }
}

const execFileAsync = promisify(execFile);

const hostKernel: KernelAccess = {
  runIp: async (args) => {
    await execFileAsync('ip', [...args], { timeout: COMMAND_TIMEOUT_MS });
  },
  loopbackAddresses: () => loopbackAddressesOf(networkInterfaces()),
};

/** Addresses that have a label (`ip addr add … label lo:1`) stand under it, and not under the device. */
export function loopbackAddressesOf(
  interfaces: ReturnType<typeof networkInterfaces>,
): LoopbackAddress[] {
  const found = Object.entries(interfaces).flatMap(([name, addresses = []]) =>
    name === DEVICE || name.startsWith(`${DEVICE}:`) ? addresses : [],
  );
  return found.flatMap(({ address: text, cidr }) => {
    const octets = parseAddress(text.replace(/%.*/, ''));
    if (octets === undefined) return [];
    const address = formatAddress(octets);
    return [{ address, prefixLength: Number(cidr?.split('/')[1] ?? hostLength(address)) }];
  });
}

/** Bits of a network of one address. */
function hostLength(address: string): number {
  return isIPv6(address) ? 128 : 32;
}

function explain(error: unknown): string {
  const { code, stderr } = error as { code?: unknown; stderr?: string };
  if (code === 'ENOENT') return 'there is no such program: install iproute2';
  const said = stderr?.trim() || messageOf(error);
  return said.includes('Operation not permitted') ? `${said} (CAP_NET_ADMIN is needed)` : said;
}
