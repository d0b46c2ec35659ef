import type { Chain, ChainName, FirewallEvent } from '../native/firewall.ts';
import type { Way } from './obstacle.ts';

/** By way: NF_INET_LOCAL_OUT and POST_ROUTING; PRE_ROUTING, LOCAL_IN and INGRESS (linux/netfilter.h). */
const HOOKS: Readonly<Record<Way, ReadonlySet<number>>> = {
  output: new Set([3, 4]),
  input: new Set([0, 1, 5]),
};
/** NFPROTO_NETDEV, and its only hook on a way: NF_NETDEV_INGRESS. */
const NETDEV = 5;
/** NFPROTO_*: those whose chains see IP packets. */
const FAMILIES: ReadonlyMap<number, string> = new Map([
  [1, 'inet'],
  [2, 'ip'],
  [10, 'ip6'],
]);

interface Kept extends ChainName {
  readonly hook: number | undefined;
  readonly accepts: boolean;
  rules: number;
}

type ChainEvent = Exclude<FirewallEvent, { kind: 'generation' | 'table gone' }>;

/** The chains of nftables, kept true by what it announces. */
export class Chains {
  readonly #chains = new Map<string, Kept>();
  /** Of which the chains were listed; what was announced of earlier ones is in them. */
  readonly #listed: number;
  /** Announced, and not true yet. */
  #pending: FirewallEvent[] = [];

  constructor(chains: readonly Chain[], generation: number) {
    this.#listed = generation;
    for (const chain of chains) this.#keep(chain);
  }

  take(events: readonly FirewallEvent[]): void {
    for (const event of events) {
      if (event.kind !== 'generation') {
        this.#pending.push(event);
        continue;
      }
      // They are numbers of 32 bits, which begin anew.
      if (((event.generation - this.#listed) | 0) > 0) this.#commit(this.#pending);
      this.#pending = [];
    }
  }

  /** A chain that does something there, such as `inet filter output`; undefined when none does. */
  obstacle(way: Way): string | undefined {
    for (const { family, table, chain, hook, accepts, rules } of this.#chains.values()) {
      const name = nameOn(way, family, hook);
      if (name !== undefined && (rules > 0 || !accepts)) return `${name} ${table} ${chain}`;
    }
    return undefined;
  }

  #commit(events: readonly FirewallEvent[]): void {
    // A chain is announced with the rules that it has in the end.
    const told = new Set<string>();
    for (const event of events) {
      if (event.kind === 'table gone') this.#dropTable(event.family, event.table);
      else if (event.kind !== 'generation') this.#apply(event, keyOf(event), told);
    }
  }

  #apply(event: ChainEvent, key: string, told: Set<string>): void {
    if (event.kind === 'chain') {
      this.#keep(event);
      if (event.rules !== undefined) told.add(key);
    } else if (event.kind === 'chain gone') {
      this.#chains.delete(key);
      told.delete(key);
    } else if (!told.has(key)) this.#count(key, event.kind === 'rule' ? 1 : -1);
  }

  #keep({ family, table, chain, hook, accepts, rules }: Chain): void {
    const key = keyOf({ family, table, chain });
    const before = this.#chains.get(key)?.rules ?? 0;
    this.#chains.set(key, { family, table, chain, hook, accepts, rules: rules ?? before });
  }

  #count(key: string, rules: number): void {
    const chain = this.#chains.get(key);
    if (chain !== undefined) chain.rules = Math.max(0, chain.rules + rules);
  }

  #dropTable(family: number, table: string): void {
    for (const [key, chain] of this.#chains)
      if (chain.family === family && chain.table === table) this.#chains.delete(key);
  }
}

function keyOf({ family, table, chain }: ChainName): string {
  return JSON.stringify([family, table, chain]);
}

/** The family of a chain that is on the way; undefined when it is not. */
function nameOn(way: Way, family: number, hook: number | undefined): string | undefined {
  if (family === NETDEV) return way === 'input' && hook === 0 ? 'netdev' : undefined;
  return hook !== undefined && HOOKS[way].has(hook) ? FAMILIES.get(family) : undefined;
}
