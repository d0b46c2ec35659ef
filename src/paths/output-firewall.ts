import { readFile } from 'node:fs/promises';
import { FirewallWatch, firewallGeneration, readChains } from '../native/firewall.ts';
import { SystemCallError } from '../native/system-call.ts';
import { loadedModules } from './loaded-modules.ts';
import { OutputChains } from './output-chains.ts';

/** Where it is a part of the kernel or loaded, and only there, is this function; as a module it may come later. */
const NFTABLES_FUNCTION = ' nf_tables_newchain';
const NFTABLES_MODULE = /^nf_tables /m;

const UNKNOWN =
  'whether nftables has output rules is not known: only who starts with CAP_NET_ADMIN may ask';
const LOST = 'nftables has changed faster than it could be told: a restart asks anew';

/**
 * Whether nftables does something with output. To ask needs CAP_NET_ADMIN, which control has when it starts, if at all;
 * from then on it is told of every change.
 */
export class OutputFirewall {
  #watch: FirewallWatch | undefined;
  #chains: OutputChains | undefined;
  /** Why nothing is known of it. */
  #unknown: string | undefined = UNKNOWN;
  /** The kernel had no nftables when it was looked for. */
  #isAbsent = false;
  #onChange: () => void = () => undefined;

  /** While this process may: later it has given up the capability. */
  open(): void {
    try {
      this.#watch = new FirewallWatch();
      this.#list();
    } catch (error) {
      // The kernel has no such sockets, so it has no nftables.
      if (errnoOf(error) === 'EPROTONOSUPPORT') this.#unknown = undefined;
    }
  }

  /** @param onChange is called when something has changed */
  async start(onChange: () => void): Promise<void> {
    this.#onChange = onChange;
    this.#watch?.start(() => this.#take());
    if (this.#watch !== undefined || this.#unknown === undefined) return;
    if (await hasNftables()) return;
    this.#isAbsent = true;
    onChange();
  }

  stop(): void {
    this.#watch?.close();
    this.#watch = undefined;
  }

  /** Whether it could be asked. */
  get isKnown(): boolean {
    return this.#unknown === undefined || this.#isAbsent;
  }

  /** What is in the way of frames, or why that is not known; undefined when nothing is. */
  obstacle(): string | undefined {
    if (this.#isAbsent && !NFTABLES_MODULE.test(loadedModules())) return undefined;
    if (this.#unknown !== undefined) return this.#unknown;
    const chain = this.#chains?.obstacle();
    return chain && `nftables has an output chain (${chain})`;
  }

  #take(): void {
    try {
      this.#chains?.take(this.#watch?.take() ?? []);
    } catch {
      this.#listAgain();
    }
    this.#onChange();
  }

  #listAgain(): void {
    try {
      this.#list();
    } catch {
      this.#unknown = LOST;
    }
  }

  #list(): void {
    for (;;) {
      const generation = firewallGeneration();
      const chains = readChains();
      if (generation !== firewallGeneration()) continue;
      this.#chains = new OutputChains(chains, generation);
      this.#unknown = undefined;
      return;
    }
  }
}

/** The list of the kernel's functions is long: a tenth of a second, once, in another thread. */
async function hasNftables(): Promise<boolean> {
  try {
    const functions = await readFile('/proc/kallsyms');
    return functions.includes(NFTABLES_FUNCTION);
  } catch {
    return true;
  }
}

function errnoOf(error: unknown): string | undefined {
  return error instanceof SystemCallError ? error.code : undefined;
}
