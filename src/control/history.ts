/** The rules of former revisions, and copies of all that is kept (spec A30). */
import { setTimeout as delay } from 'node:timers/promises';
import { FloxyError } from '../base/errors.ts';
import { checkHeapRoom } from '../base/heap-room.ts';
import { Turn } from '../base/turn.ts';
import type {
  RevisionPage,
  RevisionQuery,
  RevisionSummary,
  StepBack,
  WayBack,
} from '../model/history.ts';
import type { NumberedRuleSet, RuleSet } from '../model/rules.ts';
import { RuleReader } from '../rules/message.ts';
import { RulesOfThen } from '../rules/rules-of-then.ts';
import { UndoError, unpackItems } from '../rules/undo-message.ts';
import type { Control } from './control.ts';
import type { HistoryStore } from './ports.ts';

/** A change that is stored and not in force yet is waited for: so often, and so long in between. */
const LOOKS = 100;
const LOOK_MS = 50;

/** What there was at a revision. */
export interface FormerRules {
  readonly target: RevisionSummary;
  readonly ruleSet: RuleSet;
  /** Before the revision; undefined: that is not known. */
  readonly before: RuleSet | undefined;
  /** In force now. */
  readonly current: NumberedRuleSet;
}

export interface HistoryOptions {
  /** The rules that this node has, as its control plane knows them. */
  readonly control: Pick<Control, 'rules' | 'rulesProblem' | 'restoring'>;
  readonly store: HistoryStore;
}

/** Failures are FloxyErrors. */
export class RulesHistory {
  readonly #control: HistoryOptions['control'];
  readonly #store: HistoryStore;

  constructor({ control, store }: HistoryOptions) {
    this.#control = control;
    this.#store = store;
  }

  async revisions(query: RevisionQuery): Promise<RevisionPage> {
    this.#checkRestored();
    return this.#store.revisions(query);
  }

  /**
   * Rules that are in several rule sets are the same objects.
   * @throws FloxyError NOT_FOUND when the revision is not kept, or what leads to it is damaged
   */
  async rulesOf(revision: number): Promise<FormerRules> {
    const { current, way } = await this.#look(revision);
    const { target } = way;
    const reader = new RuleReader();
    const then = await RulesOfThen.of(current.ruleSet);
    for (const step of way.steps) await goBack(then, step, reader);
    const ruleSet = then.ruleSet();
    if (way.before === undefined) return { target, ruleSet, before: undefined, current };
    await goBack(then, way.before, reader);
    return { target, ruleSet, before: then.ruleSet(), current };
  }

  /** The way back begins at the rules in force. */
  async #look(revision: number): Promise<{ current: NumberedRuleSet; way: WayBack }> {
    for (let look = 0; look < LOOKS; look++) {
      this.#checkRestored();
      const current = this.#control.rules();
      const way = await this.#store.wayBack(revision);
      if (way.newest === current.revision) return { current, way };
      await delay(LOOK_MS);
    }
    const message = 'a change of the rules is not in force yet: try again';
    throw new FloxyError('NOT_READY', message);
  }

  #checkRestored(): void {
    const restoring = this.#control.restoring();
    if (restoring !== undefined) throw new FloxyError('NOT_READY', restoring);
    const problem = this.#control.rulesProblem();
    if (problem === undefined) return;
    throw new FloxyError('NOT_CONFIGURED', `there is no history to tell: ${problem}`);
  }
}

/** Undoes one revision, and lets the process do other things in between. */
async function goBack(then: RulesOfThen, step: StepBack, reader: RuleReader): Promise<void> {
  const turn = new Turn();
  try {
    for (const part of step.parts) {
      if (turn.isOver) {
        await turn.next();
        checkHeapRoom();
      }
      then.take(unpackItems(part, reader));
    }
    then.endStep();
  } catch (error) {
    if (!(error instanceof UndoError)) throw error;
    const message = `what is kept of revision ${step.revision} is damaged: what was before it cannot be told any more`;
    throw new FloxyError('NOT_FOUND', message, { cause: error });
  }
}
