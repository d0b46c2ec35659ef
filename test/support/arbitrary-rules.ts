/**
 * Any rules, for property tests. Each field of each type is made here: the file does not compile while one is
 * missing, and tests that use it find out where else it is missing.
 */
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { canonicalOctets } from '../../src/model/address.ts';
import { type Endpoint, formatEndpoint, MAX_PORT, makeEndpoint } from '../../src/model/endpoint.ts';
import { FLOW_PROTOCOLS } from '../../src/model/flow-protocol.ts';
import { networkAddress } from '../../src/model/prefix.ts';
import {
  type Collector,
  type CollectorOutput,
  collectorKey,
  type Exporter,
  exporterKey,
  type Filter,
  type Health,
  type HealthCheck,
  MAX_WEIGHT,
  type Output,
  PIPELINE_NAME,
  type PipelineOutput,
  type Rule,
  type RuleSet,
} from '../../src/model/rules.ts';
import { parseSourcePrefix } from '../../src/model/source-prefix.ts';

/** One generator for each field, but for those that are never there; those of optional ones can make undefined. */
type Fields<T> = {
  readonly [Name in keyof T as [T[Name]] extends [undefined] ? never : Name]-?: fc.Arbitrary<
    object extends Pick<T, Name> ? T[Name] | undefined : T[Name]
  >;
};

/** What rules are made of; the rest is left to chance. */
export interface Ingredients {
  readonly exporters?: fc.Arbitrary<Endpoint>;
  readonly collectors?: fc.Arbitrary<Endpoint>;
  readonly maxRules?: number;
  /** Without the fields that rules need not have. */
  readonly isPlain?: boolean;
  /** But with those that say how copies leave. */
  readonly hasWays?: boolean;
  /** With balance, sampling and filters of outputs all the same. */
  readonly hasChoices?: boolean;
}

/** A value that is there or not. */
function maybe<T>({ isPlain = false }: Ingredients, values: fc.Arbitrary<T>) {
  return isPlain ? fc.constant(undefined) : fc.option(values, { nil: undefined });
}

const port = fc.integer({ min: 1, max: MAX_PORT });
const text = fc
  .string({ minLength: 1, maxLength: 40, unit: 'grapheme' })
  .filter((line) => !/\p{Cc}|\u2028|\u2029/u.test(line));
const name = fc.stringMatching(PIPELINE_NAME);
const duration = fc
  .oneof(fc.integer({ min: 1, max: 3600 }), fc.constantFrom(60, 3600))
  .map((seconds) => seconds * 1000);

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

function exporterFields(ingredients: Ingredients): Fields<Exporter> {
  const { exporters = arbitraryEndpoint } = ingredients;
  // Less than the bits of any address.
  const prefixLength = maybe(ingredients, fc.integer({ min: 0, max: 31 }));
  return { endpoint: exporters, prefixLength, listeningPort: maybe(ingredients, port) };
}

/** Spec V11. */
function withoutHostBits(exporter: Exporter): Exporter {
  const { endpoint, prefixLength } = exporter;
  if (prefixLength === undefined) return exporter;
  const network = networkAddress(endpoint.octets, prefixLength);
  return { ...exporter, endpoint: makeEndpoint(network, endpoint.port) };
}

const times = fc.integer({ min: 1, max: 100 });

/** Nothing of it depends on anything else. */
const healthFields: Fields<Health> = {
  check: fc.constantFrom<(HealthCheck | undefined)[]>(undefined, 'PORT', 'TCP', 'HTTP'),
  port: maybe({}, port),
  url: maybe({}, fc.webUrl()),
  intervalMs: maybe({}, duration),
  timeoutMs: maybe({}, duration),
  rise: maybe({}, times),
  fall: maybe({}, times),
};

function collectorFields(ingredients: Ingredients): Fields<Collector> {
  const { collectors = arbitraryEndpoint } = ingredients;
  const ways = ingredients.hasWays === true ? {} : ingredients;
  const weight = fc.oneof(
    fc.constant(1),
    fc.integer({ min: 1, max: 9 }),
    fc.integer({ min: 1, max: MAX_WEIGHT }),
  );
  return {
    endpoint: collectors,
    weight,
    source: maybe(ways, fc.constant('PROXY')),
    sourceEndpoint: maybe(ways, arbitraryEndpoint),
    hopLimit: maybe(ways, fc.integer({ min: 1, max: 255 })),
    dscp: maybe(ways, fc.integer({ min: 1, max: 63 })),
    ipv4SourcePrefix: maybe(ways, sourcePrefix),
    health: maybe(ingredients, record<Health>(healthFields)),
    isStandby: maybe(ingredients, fc.constant(true)),
    description: maybe(ingredients, text),
  };
}

const sourcePrefix = fc
  .constantFrom('64:ff9b::/96', '2001:db8:1:2:3:4::/96', '::ffff:0:0/96')
  .map((prefix) => parseSourcePrefix(prefix) as Uint8Array);

const filterFields: Fields<Filter> = {
  protocols: maybe({}, fc.uniqueArray(fc.constantFrom(...FLOW_PROTOCOLS), { minLength: 1 })),
  observationDomains: maybe({}, fc.uniqueArray(fc.nat(), { minLength: 1, maxLength: 3 })),
  agents: maybe(
    {},
    fc.uniqueArray(
      octets.map((bytes) => makeEndpoint(bytes, 0)),
      { selector: formatEndpoint, minLength: 1, maxLength: 3 },
    ),
  ),
  listeningPorts: maybe({}, fc.uniqueArray(port, { minLength: 1, maxLength: 3 })),
};

/** Those of which packets an output takes, and who gets them. */
function choices({ isPlain = false, hasChoices = false }: Ingredients): Ingredients {
  return { isPlain: isPlain && !hasChoices };
}

function outputOptions(ingredients: Ingredients) {
  return {
    sampleOneIn: maybe(choices(ingredients), fc.integer({ min: 2, max: 1_000_000 })),
    filter: maybe(choices(ingredients), record<Filter>(filterFields)),
    name: maybe(ingredients, name),
    description: maybe(ingredients, text),
  };
}

function collectorOutputFields(ingredients: Ingredients): Fields<CollectorOutput> {
  const collectors = fc.uniqueArray(record(collectorFields(ingredients)), {
    selector: collectorKey,
    minLength: 1,
    maxLength: 4,
  });
  return {
    collectors,
    balance: maybe(choices(ingredients), fc.constantFrom('BY_EXPORTER', 'BY_ENDPOINT')),
    // ALL says the same as nothing when collectors take turns.
    templates: maybe(ingredients, fc.constant('ONE')),
    ...outputOptions(ingredients),
  };
}

/** Few: two outputs commonly name the same. */
function pipelineOutputFields(ingredients: Ingredients): Fields<PipelineOutput> {
  return {
    pipeline: fc.constantFrom('a', 'archive', 'edge_2', '0-day', 'x'.repeat(63)),
    ...outputOptions(ingredients),
  };
}

function output(ingredients: Ingredients): fc.Arbitrary<Output> {
  return fc.oneof(
    { arbitrary: record<CollectorOutput>(collectorOutputFields(ingredients)), weight: 4 },
    { arbitrary: record<PipelineOutput>(pipelineOutputFields(ingredients)), weight: 1 },
  );
}

function ruleFields(ingredients: Ingredients): Fields<Rule> {
  return {
    exporter: record<Exporter>(exporterFields(ingredients)).map(withoutHostBits),
    outputs: fc.array(output(ingredients), { maxLength: 4 }),
    expectEveryMs: maybe(ingredients, duration),
    description: maybe(ingredients, text),
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
    record<CollectorOutput>({
      ...collectorOutputFields({}),
      collectors: fc.tuple(record<Collector>(collectorFields({}))),
    }),
    record<PipelineOutput>(pipelineOutputFields({})),
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
    inRule((rule) => ({ ...rule, exporter: withoutHostBits(change(rule.exporter)) })),
  ),
  ...changesOf('CollectorOutput', collectorOutputFields({}), inCollectorOutput),
  ...changesOf('PipelineOutput', pipelineOutputFields({}), (change) =>
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
      exporter: addressExporter(rule.exporter, i),
    }));
    return { rules: all, defaultOutputs };
  });

/** Not a network: no two of them are the same. */
function addressExporter({ prefixLength: _, ...exporter }: Exporter, i: number): Exporter {
  return { ...exporter, endpoint: makeEndpoint(Uint8Array.of(192, 0, 2, i), 0) };
}

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
        const after = within((whole) => withoutAbsent({ ...whole, [name]: value }))(before);
        return [before, after] as const;
      })
      .filter(([before, after]) => !isDeepStrictEqual(before, after)),
  }));
}

function record<T extends object>(fields: Fields<T>): fc.Arbitrary<T> {
  const all = fields as Record<string, fc.Arbitrary<unknown>>;
  const records = fc.record(all, { noNullPrototype: true }) as unknown as fc.Arbitrary<T>;
  return records.map(withoutAbsent);
}

function withoutAbsent<T extends object>(fields: T): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}
