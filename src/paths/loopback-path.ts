import type { Endpoint } from '../model/endpoint.ts';
import { KERNEL } from '../native/kernel-layout.ts';
import type { PathMemory } from './path-memory.ts';
import type { RowRuns } from './row-runs.ts';

/** What every link has room for (RFC 8200, section 5). */
const MTU = 1280;
/** Addresses of zero, as the interface has, and the EtherType of IPv6. */
const FRAME = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x86, 0xdd);

/** The path to one socket of this host, by its loopback interface: what else is on this host has none. */
export class LoopbackPath {
  readonly #memory: PathMemory;
  readonly #rows: RowRuns;
  #endpoint: Endpoint | undefined;
  #index = 0;

  constructor(memory: PathMemory, rows: RowRuns) {
    this.#memory = memory;
    this.#rows = rows;
  }

  /** @param endpoint of IPv6: the kernel takes no packets from other hosts' IPv4 addresses to its own loopback ones */
  lead(endpoint: Endpoint): void {
    const index = this.#rows.take(1);
    if (index === undefined) return;
    this.#memory.write(index, { link: KERNEL.LOOPBACK, mtu: MTU, frame: FRAME });
    this.#index = index;
    this.#endpoint = endpoint;
  }

  /** @returns 0 for another endpoint */
  indexOf({ host, port }: Endpoint): number {
    return host === this.#endpoint?.host && port === this.#endpoint.port ? this.#index : 0;
  }
}
