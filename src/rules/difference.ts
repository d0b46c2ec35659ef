import type { Endpoint } from '../model/endpoint.ts';
import type { Output, Rule, RuleChange, RuleSet } from '../model/rules.ts';
import { areSameOutputs, isSameRule } from './digest.ts';

/** What makes one rule set of another: rules are deleted, then added or given new outputs. */
export interface RuleSetDifference {
  readonly deleted: readonly Endpoint[];
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
  const deleted: Endpoint[] = [];
  const upserts: Rule[] = [];
  let at = 0;
  for (const old of from.rules) {
    const present = to.rules[at];
    if (present === undefined || !isSameEndpoint(old.exporter, present.exporter)) {
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

function isSameEndpoint(one: Endpoint, other: Endpoint): boolean {
  return one === other || (one.port === other.port && one.host === other.host);
}

/** A rule that is deleted here and added there has moved. */
function haveCommonExporter(deleted: readonly Endpoint[], added: readonly Rule[]): boolean {
  if (deleted.length === 0 || added.length === 0) return false;
  const names = new Set(deleted.map(nameOf));
  return added.some(({ exporter }) => names.has(nameOf(exporter)));
}

function nameOf({ host, port }: Endpoint): string {
  return `${host} ${port}`;
}
