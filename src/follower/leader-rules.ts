import { messageOf } from '../base/errors.ts';
import { MAX_RULES } from '../model/limits.ts';
import type { Exporter, Output, Rule, RuleSet } from '../model/rules.ts';
import type { RulesPartMessage, RulesRevisionMessage } from '../protocol/messages.ts';
import { toStepPart } from '../protocol/revision-codec.ts';
import { ruleDigest, ruleSetDigest } from '../rules/digest.ts';
import { mergeChange } from '../rules/merge.ts';

/** The rules of the leader, complete. */
export interface LeaderRules {
  readonly revision: number;
  /** As the leader sent it. */
  readonly digest: string;
  readonly ruleSet: RuleSet;
}

/** What the follower has and the leader need not send again. */
export type KnownRules = Pick<LeaderRules, 'digest' | 'ruleSet'>;

/** The leader sent what does not fit together. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
}

interface PendingStep {
  readonly digest: string;
  readonly base: string | undefined;
  readonly deleted: Exporter[];
  readonly rules: Rule[];
}

/** Puts the leader's rules together from the messages of one line. */
export class RulesAssembly {
  #known: KnownRules | undefined;
  #pending: PendingStep | undefined;

  /** @param known what was named in the request */
  constructor(known: KnownRules | undefined) {
    this.#known = known;
  }

  /**
   * @returns the leader's rules when they are complete with this message
   * @throws ProtocolError when the message does not fit those before it
   */
  add(message: RulesRevisionMessage): LeaderRules | undefined {
    const revision = Number(message.revision);
    const { digest, part } = message;
    if (!Number.isSafeInteger(revision) || digest === undefined) {
      throw new ProtocolError('a message has neither a revision nor an error');
    }
    if (part) return this.#addPart({ revision, digest }, part);
    if (this.#known?.digest !== digest || this.#pending !== undefined) {
      throw new ProtocolError(`rules of revision ${revision} were never sent`);
    }
    return { ...this.#known, revision };
  }

  #addPart(
    name: { readonly revision: number; readonly digest: string },
    message: RulesPartMessage,
  ): LeaderRules | undefined {
    const part = readPart(message);
    const pending = this.#pending ?? {
      digest: name.digest,
      base: part.base,
      deleted: [],
      rules: [],
    };
    if (pending.digest !== name.digest || pending.base !== part.base) {
      throw new ProtocolError('parts of two revisions are mixed');
    }
    pending.deleted.push(...part.deleted);
    pending.rules.push(...part.rules);
    // While they come: all at once would take a while.
    part.rules.forEach(ruleDigest);
    if (pending.rules.length > MAX_RULES || pending.deleted.length > MAX_RULES) {
      throw new ProtocolError(`more than ${MAX_RULES} rules`);
    }
    if (!part.isLast) {
      this.#pending = pending;
      return undefined;
    }
    this.#pending = undefined;
    const ruleSet = this.#complete(pending, part.defaultOutputs);
    this.#known = { digest: name.digest, ruleSet };
    return { ...name, ruleSet };
  }

  #complete(step: PendingStep, defaultOutputs: readonly Output[] | undefined): RuleSet {
    const { base, deleted, rules, digest } = step;
    if (base === undefined) return { rules, defaultOutputs: defaultOutputs ?? [] };
    if (this.#known?.digest !== base) {
      throw new ProtocolError('a difference is to rules that were never sent');
    }
    const ruleSet = mergeStep(this.#known.ruleSet, { deleted, rules, defaultOutputs });
    // Nodes of another version may count otherwise; then the whole set is asked for each time.
    if (ruleSetDigest(ruleSet) !== digest) {
      throw new ProtocolError('a difference does not lead to the rules that it names');
    }
    return ruleSet;
  }
}

function mergeStep(
  base: RuleSet,
  step: Pick<PendingStep, 'deleted' | 'rules'> & {
    readonly defaultOutputs: readonly Output[] | undefined;
  },
): RuleSet {
  const { deleted, rules, defaultOutputs } = step;
  try {
    const rest =
      deleted.length === 0 ? base : mergeChange(base, { kind: 'delete', exporters: deleted });
    return mergeChange(rest, {
      kind: 'update',
      rules,
      ...(defaultOutputs !== undefined && { defaultOutputs }),
    });
  } catch (error) {
    throw new ProtocolError(messageOf(error), { cause: error });
  }
}

function readPart(message: RulesPartMessage) {
  try {
    return toStepPart(message);
  } catch (error) {
    throw new ProtocolError(messageOf(error), { cause: error });
  }
}
