import type { Revision, RuleChange, RuleSet } from '../model/rules.ts';
import { compareRules, isNoDifference, type RulesDifference } from '../rules/comparison.ts';
import { mergeChange } from '../rules/merge.ts';
import { sizeOf, undoOf } from '../rules/undo.ts';
import { checkLimits, validateChange } from '../rules/validate.ts';
import { differInWords } from '../rules/words.ts';
import type { ChangeOptions, ChangeResult, ControlPlaneOptions } from './control.ts';
import type { InForce } from './in-force.ts';
import { checkMemory } from './memory.ts';
import { nextRevision } from './next-revision.ts';
import type { DataPlane, PreparedRules, RuleStore } from './ports.ts';
import { checkBase, checkExpected, type RulesState } from './rules-state.ts';
import type { SetAside } from './set-aside.ts';

const NO_CHANGE: RuleChange = { kind: 'edit', deleted: [], upserts: [] };

export interface ChangesOptions extends Pick<ControlPlaneOptions, 'hostAddresses'> {
  readonly store: RuleStore;
  readonly dataPlane: DataPlane;
  readonly inForce: InForce;
  readonly state: () => RulesState;
  /** All rules were replaced: what was saved before is of no interest any more. */
  readonly endRestoring: () => void;
}

/** A change that has passed all checks, with what it makes of the rules. */
interface CheckedChange {
  readonly change: RuleChange;
  readonly ruleSet: RuleSet;
  readonly difference: RulesDifference;
}

/** From a change to its being stored and in force. One call at a time: the control plane's queue sees to it. */
export class Changes {
  readonly #store: RuleStore;
  readonly #dataPlane: DataPlane;
  readonly #inForce: InForce;
  readonly #hostAddresses: ChangesOptions['hostAddresses'];
  readonly #state: () => RulesState;
  readonly #endRestoring: () => void;

  constructor(options: ChangesOptions) {
    this.#store = options.store;
    this.#dataPlane = options.dataPlane;
    this.#inForce = options.inForce;
    this.#hostAddresses = options.hostAddresses;
    this.#state = options.state;
    this.#endRestoring = options.endRestoring;
  }

  /** Applies a canonical change wholly or not at all: see Control.change(). */
  async apply(
    change: RuleChange,
    expectedRevision: number | undefined,
    options: ChangeOptions,
  ): Promise<ChangeResult> {
    const checked = await this.#check(change, expectedRevision);
    const { difference } = checked;
    const { number } = this.#inForce.current.revision;
    if (this.#isNothing(difference) && (await this.#keep(change, options))) {
      return { revision: number, difference };
    }
    const setAside = this.#inForce.setAside.again(checked.ruleSet, this.#hostAddresses());
    // Where rules are set aside, those in force do not become the next ones by the change alone.
    const step = this.#inForce.setAside.isNone ? change : undefined;
    const prepared = (await this.#hasTable(checked, setAside))
      ? this.#inForce.again()
      : await this.#dataPlane.prepare(setAside.without(checked.ruleSet), step);
    if (options.isDryRun) {
      prepared.discard();
      return { revision: number, difference };
    }
    const revision = await this.#write(checked, prepared, options);
    const counters = await prepared.putInForce();
    if (change.kind === 'replace') this.#endRestoring();
    this.#inForce.set({ revision, ruleSet: checked.ruleSet }, setAside, counters);
    return { revision: revision.number, difference };
  }

  /** Saves the record of the present revision. */
  async note(revision: Revision): Promise<void> {
    await this.#store.write(NO_CHANGE, revision);
    this.#inForce.setRevision(revision);
  }

  /** Puts in force what fits this host. @param setAside what does not fit it now */
  async fit(setAside: SetAside): Promise<void> {
    if (setAside.isLike(this.#inForce.setAside)) return;
    await this.#inForce.put(this.#inForce.current, setAside);
  }

  async #check(change: RuleChange, expectedRevision: number | undefined): Promise<CheckedChange> {
    const { ruleSet: before } = this.#inForce.current;
    checkExpected(expectedRevision, this.#state());
    checkMemory(before, change);
    checkBase(change, this.#state());
    validateChange(change, this.#hostAddresses());
    const ruleSet = mergeChange(before, change);
    checkLimits(ruleSet);
    return { change, ruleSet, difference: await compareRules(before, ruleSet) };
  }

  /** Whether packets are handled by the table that is in force already: names and descriptions are not in it (spec S5). */
  async #hasTable({ ruleSet, difference }: CheckedChange, setAside: SetAside): Promise<boolean> {
    const { revision, restoring, restoreError } = this.#state();
    const isKnown = revision > 0 && restoring === undefined && restoreError === undefined;
    if (!isKnown || isNoDifference(difference)) return false;
    if (!setAside.isNone || !this.#inForce.setAside.isNone) return false;
    return await differInWords(this.#inForce.current.ruleSet, ruleSet, difference);
  }

  /** @returns the revision that it makes, when it is on disk */
  async #write(
    { change, ruleSet, difference }: CheckedChange,
    prepared: PreparedRules,
    options: ChangeOptions,
  ): Promise<Revision> {
    const before = this.#inForce.current;
    const { restoring, restoreError } = this.#state();
    const revision = nextRevision(restoring === undefined ? before.revision : undefined, options);
    const isKnown = restoring === undefined && restoreError === undefined;
    const made = {
      // What was not restored is not what the database holds.
      previous: isKnown ? before.revision.number : undefined,
      size: sizeOf(difference),
      rules: ruleSet.rules.length,
      undo: undoOf(before.ruleSet, difference),
    };
    try {
      await this.#store.write(change, revision, made);
    } catch (error) {
      prepared.discard();
      throw error;
    }
    return revision;
  }

  /** Spec A42. A node that never had rules gets its first revision, though they are none. */
  #isNothing(difference: RulesDifference): boolean {
    const { state, error } = this.#store.status();
    const { revision, restoring, restoreError } = this.#state();
    const isSaved =
      state === 'OK' && [error, restoring, restoreError].every((it) => it === undefined);
    return isSaved && revision > 0 && isNoDifference(difference);
  }

  /**
   * Sees that the rules are on disk as they are (spec A8), and that what fits this host is in force.
   *
   * @returns false when the database has lost them, and the change would write them all
   */
  async #keep(change: RuleChange, { follows, isDryRun }: ChangeOptions): Promise<boolean> {
    if (isDryRun) return true;
    const { revision, ruleSet } = this.#inForce.current;
    const { number } = revision;
    try {
      await this.note(
        follows ? { ...revision, followed: { ...follows, appliedAs: number } } : revision,
      );
    } catch (error) {
      if (change.kind !== 'replace') throw error;
      return false;
    }
    await this.fit(this.#inForce.setAside.again(ruleSet, this.#hostAddresses()));
    return true;
  }
}
