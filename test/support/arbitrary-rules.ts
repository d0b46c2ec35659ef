/**
 * Any rules, for property tests. Each field of each type is made here: the file does not compile while one is
 * missing, and tests that use it find out where else it is missing.
 */
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { canonicalOctets } from '../../src/model/address.ts';
import { type Endpoint, MAX_PORT, makeEndpoint } from '../../src/model/endpoint.ts';
import {
  type Collector,
  type CollectorOutput,
  collectorKey,
  type Exporter,
  exporterKey,
  MAX_WEIGHT,
  type Output,
  type PipelineOutput,
  type Rule,
  type RuleSet,
} from '../../src/model/rules.ts';

/** One generator for each field, optional ones too, but for those that are never there. */
type Fields<T> = {
  readonly [Name in keyof T as T[Name] extends undefined ? never : Name]-?: fc.Arbitrary<T[Name]>;
};

/** What rules are made of; the rest is left to chance. */
export interface Ingredients {
  readonly exporters?: fc.Arbitrary<Endpoint>;
  readonly collectors?: fc.Arbitrary<Endpoint>;
  readonly maxRules?: number;
}

const octets = fc
  .oneof(
    fc.uint8Array({ minLength: 4, maxLength: 4 }),
    fc.uint8Array({ minLength: 16, maxLength: 16 }),
    // Groups of zeros, which are printed short.
    fc
      .array(fc.constantFrom(0, 0, 0, 1, 0xff), { minLength: 16, maxLength: 16 })
      .map((bytes) => Uint8Array.from(bytes)),
  )
  .map((bytes) => canonicalOctets(Uint8Array.from(bytes)));

/** Any endpoint, with or without port, in its canonical form. */
export const arbitraryEndpoint: fc.Arbitrary<Endpoint> = fc
  .tuple(octets, fc.oneof(fc.constant(0), fc.integer({ min: 0, max: MAX_PORT })))
  .map(([bytes, port]) => makeEndpoint(bytes, port));

function exporterFields({ exporters = arbitraryEndpoint }: Ingredients): Fields<Exporter> {
  return { endpoint: exporters };
}

function collectorFields({ collectors = arbitraryEndpoint }: Ingredients): Fields<Collector> {
  const weight = fc.oneof(
    fc.constant(1),
    fc.integer({ min: 1, max: 9 }),
    fc.integer({ min: 1, max: MAX_WEIGHT }),
  );
  return { endpoint: collectors, weight };
}

function collectorOutputFields(ingredients: Ingredients): Fields<CollectorOutput> {
  const collectors = fc.uniqueArray(record(collectorFields(ingredients)), {
    selector: collectorKey,
    minLength: 1,
    maxLength: 4,
  });
  return { collectors };
}

/** Few: two outputs commonly name the same. */
const pipelineOutputFields: Fields<PipelineOutput> = {
  pipeline: fc.constantFrom('a', 'archive', 'edge_2', '0-day', 'x'.repeat(63)),
};

function output(ingredients: Ingredients): fc.Arbitrary<Output> {
  return fc.oneof(
    { arbitrary: record<CollectorOutput>(collectorOutputFields(ingredients)), weight: 4 },
    { arbitrary: record<PipelineOutput>(pipelineOutputFields), weight: 1 },
  );
}

function ruleFields(ingredients: Ingredients): Fields<Rule> {
  return {
    exporter: record(exporterFields(ingredients)),
    outputs: fc.array(output(ingredients), { maxLength: 4 }),
  };
}

function ruleSetFields(ingredients: Ingredients): Fields<RuleSet> {
  const { maxRules = 10 } = ingredients;
  const rules = fc.uniqueArray(record(ruleFields(ingredients)), {
    selector: ({ exporter }) => exporterKey(exporter),
    maxLength: maxRules,
  });
  return { rules, defaultOutputs: ruleFields(ingredients).outputs };
}

/** Any rule set: no exporter has two rules, no collector is twice in an output, no output is empty. */
export function arbitraryRuleSet(ingredients: Ingredients = {}): fc.Arbitrary<RuleSet> {
  return record(ruleSetFields(ingredients));
}

/** Some rules, as in a change: no exporter has two. */
export function arbitraryRules(ingredients: Ingredients = {}): fc.Arbitrary<readonly Rule[]> {
  return ruleSetFields(ingredients).rules;
}

export function arbitraryOutputs(ingredients: Ingredients = {}): fc.Arbitrary<readonly Output[]> {
  return ruleFields(ingredients).outputs;
}

/** Two rule sets that are different in one field only. */
export interface FieldChange {
  /** Such as `Collector.endpoint`. */
  readonly field: string;
  readonly pairs: fc.Arbitrary<readonly [before: RuleSet, after: RuleSet]>;
}

/** One of everything: a change of any list in it is more than another order. */
const smallRuleSet: fc.Arbitrary<RuleSet> = fc
  .tuple(
    record<CollectorOutput>({ collectors: fc.tuple(record<Collector>(collectorFields({}))) }),
    record<PipelineOutput>(pipelineOutputFields),
  )
  .chain((outputs) =>
    record<RuleSet>({
      ...ruleSetFields({}),
      rules: fc.tuple(record<Rule>({ ...ruleFields({}), outputs: fc.constant(outputs) })),
      defaultOutputs: fc.constant(outputs),
    }),
  );

/** A change of each field there is, of everything that a rule set consists of. */
export const fieldChanges: readonly FieldChange[] = [
  ...changesOf('RuleSet', ruleSetFields({}), (change) => change),
  ...changesOf('Rule', ruleFields({}), inRule),
  ...changesOf('Exporter', exporterFields({}), (change) =>
    inRule((rule) => ({ ...rule, exporter: change(rule.exporter) })),
  ),
  ...changesOf('CollectorOutput', collectorOutputFields({}), inCollectorOutput),
  ...changesOf('PipelineOutput', pipelineOutputFields, (change) =>
    inOutput((output) => (output.collectors === undefined ? change(output) : output)),
  ),
  ...changesOf('Collector', collectorFields({}), (change) =>
    inCollectorOutput((output) => ({ ...output, collectors: output.collectors.map(change) })),
  ),
];

/** Rules that are different in one field only, beside any others: nobody may take one for another. */
export const arbitraryTwins: fc.Arbitrary<RuleSet> = fc
  .tuple(arbitraryRuleSet({ maxRules: 3 }), fc.oneof(...fieldChanges.map(({ pairs }) => pairs)))
  .map(([{ rules, defaultOutputs }, [before, after]]) => {
    const all = [...before.rules, ...rules, ...after.rules].map((rule, i) => ({
      ...rule,
      exporter: { ...rule.exporter, endpoint: makeEndpoint(Uint8Array.of(192, 0, 2, i), 0) },
    }));
    return { rules: all, defaultOutputs };
  });

type Change<T> = (value: T) => T;

function inRule(change: Change<Rule>): Change<RuleSet> {
  return (ruleSet) => ({ ...ruleSet, rules: ruleSet.rules.map(change) });
}

function inCollectorOutput(change: Change<CollectorOutput>): Change<RuleSet> {
  return inOutput((output) => (output.collectors === undefined ? output : change(output)));
}

function inOutput(change: Change<Output>): Change<RuleSet> {
  return inRule((rule) => ({ ...rule, outputs: rule.outputs.map(change) }));
}

/** @param within makes of a change of one value a change of the rule set around it */
function changesOf<T extends object>(
  type: string,
  fields: Fields<T>,
  within: (change: Change<T>) => Change<RuleSet>,
): FieldChange[] {
  return Object.entries<fc.Arbitrary<unknown>>(fields).map(([name, values]) => ({
    field: `${type}.${name}`,
    pairs: fc
      .tuple(smallRuleSet, values)
      .map(([before, value]) => {
        const after = within((whole) => ({ ...whole, [name]: value }))(before);
        return [before, after] as const;
      })
      .filter(([before, after]) => !isDeepStrictEqual(before, after)),
  }));
}

function record<T extends object>(fields: Fields<T>): fc.Arbitrary<T> {
  const all = fields as Record<string, fc.Arbitrary<unknown>>;
  return fc.record(all, { noNullPrototype: true }) as unknown as fc.Arbitrary<T>;
}
