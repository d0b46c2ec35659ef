/** Goes back from a rule set to those before it, one change after the other. */
import { Turn } from '../base/turn.ts';
import type { PlacedRule } from '../model/history.ts';
import { exporterKey, type Output, type Rule, type RuleSet } from '../model/rules.ts';
import { UndoError, type UndoItem } from './undo-message.ts';

/** Up to so many rules are taken out and put in one by one; for more the list is made anew. */
const FEW = 16;

/** A rule set on its way back. Rules that no step touches stay the same objects. */
export class RulesOfThen {
  /** exporterKey() of each rule, in their order. */
  #order: string[] = [];
  #rules = new Map<string, Rule>();
  #defaultOutputs: readonly Output[] = [];
  /** Of the step that is being taken. */
  #added = new Set<string>();
  #removed: PlacedRule[] = [];
  #isAnew = false;

  /** Does it bit by bit, and lets the process do other things in between. */
  static async of({ rules, defaultOutputs }: RuleSet): Promise<RulesOfThen> {
    const then = new RulesOfThen();
    const turn = new Turn();
    for (const rule of rules) {
      if (turn.isOver) await turn.next();
      then.#append(rule);
    }
    then.#defaultOutputs = defaultOutputs;
    return then;
  }

  ruleSet(): RuleSet {
    const rules = this.#order.flatMap((key) => this.#rules.get(key) ?? []);
    return { rules, defaultOutputs: this.#defaultOutputs };
  }

  /**
   * Takes some of the items that undo a change; endStep() comes after all of them.
   * @throws UndoError when it is not a change to these rules
   */
  take(items: readonly UndoItem[]): void {
    for (const item of items) {
      if (item.kind === 'whole') this.#startAnew();
      else if (item.kind === 'added') this.#added.add(exporterKey(item.exporter));
      else if (item.kind === 'defaults') this.#defaultOutputs = item.defaultOutputs;
      else if (item.kind === 'rule') this.#put(item);
    }
  }

  /** @throws UndoError when it is not a change to these rules */
  endStep(): void {
    this.#remove(this.#added);
    this.#insert(this.#removed);
    this.#added = new Set();
    this.#removed = [];
    this.#isAnew = false;
  }

  #startAnew(): void {
    this.#isAnew = true;
    this.#order = [];
    this.#rules.clear();
    this.#defaultOutputs = [];
  }

  #put({ rule, at }: Extract<UndoItem, { kind: 'rule' }>): void {
    const key = exporterKey(rule.exporter);
    if (this.#isAnew) this.#append(rule);
    else if (at !== undefined) this.#removed.push({ rule, index: at });
    else if (this.#rules.has(key)) this.#rules.set(key, rule);
    else throw new UndoError(`there is no rule of ${key} to be changed`);
  }

  #append(rule: Rule): void {
    const key = exporterKey(rule.exporter);
    if (this.#rules.has(key)) throw new UndoError(`there are two rules of ${key}`);
    this.#order.push(key);
    this.#rules.set(key, rule);
  }

  #remove(keys: ReadonlySet<string>): void {
    for (const key of keys) {
      if (!this.#rules.delete(key)) throw new UndoError(`there is no rule of ${key} to be removed`);
      // What was added last is at the end mostly.
      if (keys.size <= FEW) this.#order.splice(this.#order.lastIndexOf(key), 1);
    }
    if (keys.size > FEW) this.#order = this.#order.filter((key) => !keys.has(key));
  }

  /** @param removed in the order of their places */
  #insert(removed: readonly PlacedRule[]): void {
    const fresh: string[] = [];
    let taken = 0;
    for (const { rule, index } of removed) {
      const key = exporterKey(rule.exporter);
      if (this.#rules.has(key)) throw new UndoError(`there is a rule of ${key} already`);
      this.#rules.set(key, rule);
      if (removed.length <= FEW) {
        if (index > this.#order.length) throw new UndoError(`${key} has no place`);
        this.#order.splice(index, 0, key);
        continue;
      }
      const between = index - fresh.length;
      if (between < 0 || taken + between > this.#order.length) {
        throw new UndoError(`${key} has no place`);
      }
      for (const end = taken + between; taken < end; taken++) fresh.push(this.#order[taken] ?? '');
      fresh.push(key);
    }
    if (removed.length <= FEW) return;
    this.#order = fresh.concat(this.#order.slice(taken));
  }
}
