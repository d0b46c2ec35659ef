/** What is kept of a change, so that it can be undone. */
import type { ChangeSize, PlacedRule, RuleUndo } from '../model/history.ts';
import { exporterKey, type Rule, type RuleSet } from '../model/rules.ts';
import type { RulesDifference } from './comparison.ts';

export function sizeOf(difference: RulesDifference): ChangeSize {
  const { added, removed, changed, areDefaultOutputsChanged, isReordered } = difference;
  return {
    added: added.length,
    removed: removed.length,
    changed: changed.length,
    areDefaultOutputsChanged,
    isReordered,
  };
}

/** @param before the rules before the change @param difference between them and those after it */
export function undoOf(before: RuleSet, difference: RulesDifference): RuleUndo {
  const { added, removed, changed, areDefaultOutputsChanged, isReordered } = difference;
  const touched = removed.length + changed.length;
  if (isReordered || touched > before.rules.length / 2) {
    return { kind: 'whole', named: [...added, ...removed, ...changed] };
  }
  const places = touched === 0 ? NO_PLACES : findPlaces(before.rules, difference);
  const edit = { kind: 'edit', added, ...places } as const;
  return areDefaultOutputsChanged ? { ...edit, defaultOutputs: before.defaultOutputs } : edit;
}

const NO_PLACES = { changed: [], removed: [] };

function findPlaces(
  rules: readonly Rule[],
  difference: RulesDifference,
): { readonly changed: readonly Rule[]; readonly removed: readonly PlacedRule[] } {
  const isChanged = new Set(difference.changed.map(exporterKey));
  const isRemoved = new Set(difference.removed.map(exporterKey));
  const changed: Rule[] = [];
  const removed: PlacedRule[] = [];
  for (const [index, rule] of rules.entries()) {
    const key = exporterKey(rule.exporter);
    if (isChanged.has(key)) changed.push(rule);
    else if (isRemoved.has(key)) removed.push({ rule, index });
  }
  return { changed, removed };
}
