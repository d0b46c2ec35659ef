/** What becomes of a packet in a chain of nftables. */
import { type Certainty, matches, type Packet, verdictIn } from './match.ts';
import type { Chain, Expression, Rule, Ruleset } from './ruleset.ts';

/** Chains that jump to each other deeper than the kernel lets them (NFT_JUMP_STACK_SIZE). */
const MAX_DEPTH = 16;

export interface Fate {
  /** What surely becomes of it, unless one of the rules before that may match does. */
  readonly kind: 'accept' | 'drop' | 'continue';
  /** The rule that decides; undefined = the policy of the chain, or nothing. */
  readonly by: Rule | undefined;
  /** A rule before may let it pass. */
  readonly mayPass: boolean;
}

/** @param chain a base chain */
export function walk(chain: Chain, packet: Packet, ruleset: Ruleset): Fate {
  const fate = new Walk(packet, ruleset).through(chain, 0);
  if (fate.kind !== 'continue') return fate;
  return { ...fate, kind: chain.policy === 'drop' ? 'drop' : 'accept' };
}

type Verdict = 'accept' | 'drop' | 'return' | { readonly jump: string; readonly isGoto: boolean };

class Walk {
  readonly #packet: Packet;
  readonly #ruleset: Ruleset;
  #mayPass = false;

  constructor(packet: Packet, ruleset: Ruleset) {
    this.#packet = packet;
    this.#ruleset = ruleset;
  }

  through(chain: Chain, depth: number): Fate {
    for (const rule of chain.rules) {
      const certainty = matches(rule, this.#packet, this.#ruleset);
      const verdict = certainty === 'no' ? undefined : this.#verdict(rule);
      if (verdict === undefined) continue;
      const fate = this.#take(verdict, rule, certainty, depth);
      if (fate !== undefined) return fate;
    }
    return this.#fate('continue');
  }

  /** @returns undefined when the next rule is looked at */
  #take(
    verdict: Verdict | 'maybe',
    rule: Rule,
    certainty: Certainty,
    depth: number,
  ): Fate | undefined {
    if (verdict === 'maybe' || certainty === 'maybe') {
      // What may be dropped may pass as well.
      if (verdict !== 'drop') this.#mayPass = true;
      return undefined;
    }
    if (verdict === 'return') return this.#fate('continue');
    if (typeof verdict === 'string') return this.#fate(verdict, rule);
    const target = this.#ruleset.chain(rule, verdict.jump);
    if (target === undefined || depth === MAX_DEPTH) return undefined;
    const fate = this.through(target, depth + 1);
    return fate.kind === 'continue' && !verdict.isGoto ? undefined : fate;
  }

  #verdict(rule: Rule): Verdict | 'maybe' | undefined {
    for (const expression of rule.expr) {
      const vmap = expression['vmap'];
      const found = vmap === undefined ? expression : verdictIn(vmap, this.#packet);
      if (found === 'maybe') return 'maybe';
      const verdict = found && verdictOf(found);
      if (verdict !== undefined) return verdict;
    }
    return undefined;
  }

  #fate(kind: Fate['kind'], by?: Rule): Fate {
    return { kind, by, mayPass: this.#mayPass };
  }
}

function verdictOf(expression: Expression): Verdict | undefined {
  if ('accept' in expression || 'queue' in expression) return 'accept';
  if ('drop' in expression || 'reject' in expression) return 'drop';
  if ('return' in expression) return 'return';
  for (const name of ['jump', 'goto'] as const) {
    const target = (expression[name] as { target?: string } | undefined)?.target;
    if (target !== undefined) return { jump: target, isGoto: name === 'goto' };
  }
  return undefined;
}
