import { mappedOctets } from '../../model/address.ts';
import type { KernelProgram } from '../../native/kernel-program.ts';
import { parseLocalRoutes, readLocalRoutes } from '../../native/local-routes.ts';

/** Tells the program which addresses are of this host: listeners at a wildcard take what comes to them. */
export class OwnAddresses {
  readonly #program: Pick<KernelProgram, 'setAddress'>;
  readonly #readRoutes: () => Uint8Array;
  #routes: Buffer | undefined;
  #known = new Map<string, Uint8Array>();

  /** @param readRoutes as readLocalRoutes(); replaced in tests */
  constructor(program: Pick<KernelProgram, 'setAddress'>, readRoutes = readLocalRoutes) {
    this.#program = program;
    this.#readRoutes = readRoutes;
  }

  /** Looks again, in a tenth of a millisecond. Packets to an address that is not told go up. @throws SystemCallError */
  look(): void {
    const routes = Buffer.from(this.#readRoutes());
    if (this.#routes?.equals(routes)) return;
    const now = new Map<string, Uint8Array>();
    for (const { octets, prefixBits, isBroadcast } of parseLocalRoutes(routes)) {
      if (isBroadcast || prefixBits !== octets.length * 8) continue;
      const address = mappedOctets(octets);
      now.set(Buffer.from(address).toString('hex'), address);
    }
    for (const [key, address] of this.#known)
      if (!now.has(key)) this.#program.setAddress(address, false);
    for (const [key, address] of now)
      if (!this.#known.has(key)) this.#program.setAddress(address, true);
    this.#known = now;
    this.#routes = routes;
  }
}
