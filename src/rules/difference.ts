import {
  type Exporter,
  exporterKey,
  type Output,
  type Rule,
  type RuleChange,
  type RuleSet,
} from '../model/rules.ts';
import { areSameOutputs, isSameRule } from './digest.ts';

/** What makes one rule set of another: rules are deleted, then added or given new outputs. */
export interface RuleSetDifference {
  readonly deleted: readonly Exporter[];
  /** Those whose exporter has a rule keep its place, the others go to the end, in this order. */
  readonly upserts: readonly Rule[];
  /** All of the new ones; undefined when they are the same. */
  readonly defaultOutputs: readonly Output[] | undefined;
}

/**
 * Finds what leads from one rule set to another, order included, as mergeChange() applies it. Quick when the
 * sets have most of their rules in common as the same objects.
 *
 * @returns undefined when rules changed their places: then only replacing all of them leads there
 */
export function differenceOf(from: RuleSet, to: RuleSet): RuleSetDifference | undefined {
  const deleted: Exporter[] = [];
  const upserts: Rule[] = [];
  let at = 0;
  for (const old of from.rules) {
    const present = to.rules[at];
    if (present === undefined || !isSameExporter(old.exporter, present.exporter)) {
      deleted.push(old.exporter);
      continue;
    }
    if (!isSameRule(old, present)) upserts.push(present);
    at++;
  }
  const added = to.rules.slice(at);
  if (haveCommonExporter(deleted, added)) return undefined;
  const areDefaultsSame = areSameOutputs(from.defaultOutputs, to.defaultOutputs);
  return {
    deleted,
    upserts: [...upserts, ...added],
    defaultOutputs: areDefaultsSame ? undefined : to.defaultOutputs,
  };
}

/** The smallest change that makes one rule set of another. */
export function changeBetween(from: RuleSet, to: RuleSet): RuleChange {
  const difference = differenceOf(from, to);
  if (difference === undefined) return { kind: 'replace', ruleSet: to };
  const { deleted, upserts, defaultOutputs } = difference;
  const isUpdate = deleted.length === 0;
  const isDeletion = !isUpdate && upserts.length === 0 && defaultOutputs === undefined;
  if (isDeletion) return { kind: 'delete', exporters: deleted };
  if (!isUpdate) return { kind: 'replace', ruleSet: to };
  if (defaultOutputs === undefined) return { kind: 'update', rules: upserts };
  return { kind: 'update', rules: upserts, defaultOutputs };
}

function isSameExporter(one: Exporter, other: Exporter): boolean {
  return one === other || exporterKey(one) === exporterKey(other);
}

/** A rule that is deleted here and added there has moved. */
function haveCommonExporter(deleted: readonly Exporter[], added: readonly Rule[]): boolean {
  if (deleted.length === 0 || added.length === 0) return false;
  const names = new Set(deleted.map(exporterKey));
  return added.some(({ exporter }) => names.has(exporterKey(exporter)));
}
