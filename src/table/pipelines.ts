/**
 * Which bit of a packet says that it is for a pipeline (struct ring_record): names of pipelines have indexes, which
 * they keep as long as rules name them, over changes of rules and over replacements of control.
 */
import { FloxyError } from '../base/errors.ts';
import { MAX_PIPELINES } from '../model/limits.ts';
import { pipelineNames, type RuleSet } from '../model/rules.ts';

/**
 * @param inForce indexes of the pipelines that the rules in force name
 * @returns those of the rule set, and of both together: packets are on their way by the rules in force
 * @throws FloxyError LIMIT_EXCEEDED when both together name too many (spec V10)
 */
export function assignPipelines(
  ruleSet: RuleSet,
  inForce: ReadonlyMap<string, number>,
): {
  readonly pipelines: ReadonlyMap<string, number>;
  readonly allPipelines: ReadonlyMap<string, number>;
} {
  const pipelines = new Map<string, number>();
  const all = new Map(inForce);
  const used = new Set(inForce.values());
  for (const name of pipelineNames(ruleSet)) {
    const index = inForce.get(name) ?? lowestFree(used);
    used.add(index);
    pipelines.set(name, index);
    all.set(name, index);
  }
  return { pipelines, allPipelines: all };
}

/** @throws RangeError for indexes that cannot be */
export function checkPipelines(pipelines: ReadonlyMap<string, number>): void {
  const indexes = [...pipelines.values()];
  if (new Set(indexes).size === indexes.length && indexes.every((index) => index < MAX_PIPELINES))
    return;
  throw new RangeError(`indexes of pipelines cannot be ${indexes.join(', ')}`);
}

function lowestFree(used: ReadonlySet<number>): number {
  for (let index = 0; index < MAX_PIPELINES; index++) if (!used.has(index)) return index;
  const message = `the old and the new rules together name more than ${MAX_PIPELINES} pipelines; change them in smaller steps`;
  throw new FloxyError('LIMIT_EXCEEDED', message);
}
