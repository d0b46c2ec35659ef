import { messageOf } from '../base/errors.ts';
import { MAX_RULES } from '../model/limits.ts';
import type { RuleEdit, RuleSet } from '../model/rules.ts';
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

/** The parts of a step that have come so far. */
interface PendingStep {
  readonly digest: string;
  readonly base: string | undefined;
  readonly edits: RuleEdit[];
  /** Exporters and rules in them. */
  size: number;
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
    const { base, edit, isLast } = readPart(message);
    const pending = this.#pending ?? { digest: name.digest, base, edits: [], size: 0 };
    if (pending.digest !== name.digest || pending.base !== base) {
      throw new ProtocolError('parts of two revisions are mixed');
    }
    pending.edits.push(edit);
    pending.size += edit.deleted.length + edit.upserts.length;
    if (pending.size > 2 * MAX_RULES) throw new ProtocolError(`more than ${MAX_RULES} rules`);
    // While they come: all at once would take a while.
    edit.upserts.forEach(ruleDigest);
    if (!isLast) {
      this.#pending = pending;
      return undefined;
    }
    this.#pending = undefined;
    const ruleSet = this.#complete(pending);
    this.#known = { digest: name.digest, ruleSet };
    return { ...name, ruleSet };
  }

  #complete({ base, digest, edits }: PendingStep): RuleSet {
    const edit = joinEdits(edits);
    if (base === undefined)
      return { rules: edit.upserts, defaultOutputs: edit.defaultOutputs ?? [] };
    if (this.#known?.digest !== base) {
      throw new ProtocolError('a difference is to rules that were never sent');
    }
    const ruleSet = apply(edit, this.#known.ruleSet);
    // Nodes of another version may count otherwise; then the whole set is asked for each time.
    if (ruleSetDigest(ruleSet) !== digest) {
      throw new ProtocolError('a difference does not lead to the rules that it names');
    }
    return ruleSet;
  }
}

function joinEdits(edits: readonly RuleEdit[]): RuleEdit {
  const deleted = edits.flatMap((edit) => edit.deleted);
  const upserts = edits.flatMap((edit) => edit.upserts);
  return { kind: 'edit', ...edits.at(-1), deleted, upserts };
}

function apply(edit: RuleEdit, base: RuleSet): RuleSet {
  try {
    return mergeChange(base, edit);
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
