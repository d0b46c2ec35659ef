/** The ruleset of nftables, also what iptables-nft and Docker have put there, as `nft -j list ruleset` tells it (libnftables-json(5)). */
import { type ProgramResult, runProgram } from '../host.ts';

/** Any JSON of nft: what is not understood may match or not. */
export type Expression = Readonly<Record<string, unknown>>;

export interface Rule {
  readonly family: string;
  readonly table: string;
  readonly chain: string;
  readonly handle: number;
  readonly expr: readonly Expression[];
}

export interface Chain {
  readonly family: string;
  readonly table: string;
  readonly name: string;
  /** `filter`, `nat`, `route`; absent in chains that others jump to. */
  readonly type?: string;
  readonly hook?: string;
  readonly prio?: number;
  readonly policy?: string;
  readonly rules: readonly Rule[];
}

/** Elements of a named set. */
type Elements = readonly unknown[];

export class Ruleset {
  readonly chains: readonly Chain[];
  readonly #chains: ReadonlyMap<string, Chain>;
  readonly #sets: ReadonlyMap<string, Elements>;

  constructor(chains: readonly Chain[], sets: ReadonlyMap<string, Elements>) {
    this.chains = chains;
    this.#chains = new Map(chains.map((chain) => [keyOf(chain, chain.name), chain]));
    this.#sets = sets;
  }

  /** The chain that a rule jumps to. */
  chain(rule: Rule, name: string): Chain | undefined {
    return this.#chains.get(keyOf(rule, name));
  }

  /** Undefined: there is no such set, or it is not told. */
  elements(rule: Rule, name: string): Elements | undefined {
    return this.#sets.get(keyOf(rule, name));
  }

  /** Chains of a hook, in the order in which packets pass them. */
  at(hook: string, type?: string): Chain[] {
    return this.chains
      .filter((chain) => chain.hook === hook && (type === undefined || chain.type === type))
      .sort((a, b) => (a.prio ?? 0) - (b.prio ?? 0));
  }
}

function keyOf({ family, table }: { family: string; table: string }, name: string): string {
  return `${family} ${table} ${name}`;
}

/** How a rule is called, and shown by `nft -a list chain …`. */
export function ruleName({ family, table, chain, handle }: Rule): string {
  return `${family} ${table} ${chain} handle ${handle}`;
}

const LIMIT_MS = 4000;

/** @returns why it cannot be seen, in words, when it cannot */
export async function readRuleset(): Promise<Ruleset | string> {
  const result: ProgramResult = await runProgram(['nft', '-j', 'list', 'ruleset'], LIMIT_MS);
  if (result.problem !== undefined) return result.problem;
  try {
    return parseRuleset(JSON.parse(result.output || '{}'));
  } catch (error) {
    return `nft printed what is no ruleset: ${(error as Error).message}`;
  }
}

interface Listed {
  readonly chain?: Omit<Chain, 'rules'>;
  readonly rule?: Rule;
  readonly set?: { family: string; table: string; name: string; elem?: Elements };
}

export function parseRuleset({
  nftables = [],
}: {
  readonly nftables?: readonly Listed[];
}): Ruleset {
  const rules = Map.groupBy(
    nftables.flatMap(({ rule }) => rule ?? []),
    (rule) => keyOf(rule, rule.chain),
  );
  const chains = nftables.flatMap(({ chain }) =>
    chain === undefined ? [] : [{ ...chain, rules: rules.get(keyOf(chain, chain.name)) ?? [] }],
  );
  const sets = nftables.flatMap(({ set }) =>
    set === undefined ? [] : [[keyOf(set, set.name), set.elem ?? []] as const],
  );
  return new Ruleset(chains, new Map(sets));
}
