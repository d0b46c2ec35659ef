import {
  type Exporter,
  exporterKey,
  type Rule,
  type RuleChange,
  type RuleSet,
} from '../model/rules.ts';
import { areSameOutputs, isSameRule } from './digest.ts';

/**
 * The smallest change that makes one rule set of another, order included, as mergeChange() applies it. Quick when
 * the sets have most of their rules in common as the same objects.
 *
 * @returns a replacement when rules changed their places, otherwise an edit, which may be empty
 */
export function changeBetween(from: RuleSet, to: RuleSet): RuleChange {
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
  if (haveCommonExporter(deleted, added)) return { kind: 'replace', ruleSet: to };
  const edit = { kind: 'edit', deleted, upserts: upserts.concat(added) } as const;
  const areDefaultsSame = areSameOutputs(from.defaultOutputs, to.defaultOutputs);
  return areDefaultsSame ? edit : { ...edit, defaultOutputs: to.defaultOutputs };
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
