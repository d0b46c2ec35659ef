import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { arbitraryRuleSet } from '../../../../test/support/arbitrary-rules.ts';
import { collectorOf, RouterHarness } from '../../../../test/support/router-harness.ts';
import {
  endpoint,
  outputs,
  pipelineOutputs,
  rule,
  ruleSet,
  shareOutputs,
} from '../../../../test/support/rule-sets.ts';
import { LISTEN_PORT } from '../../../../test/support/tables.ts';
import { type Endpoint, formatEndpoint, isIpv6, makeEndpoint } from '../../../model/endpoint.ts';
import {
  type Collector,
  exporterKey,
  MAX_WEIGHT,
  type Output,
  type Rule,
  type RuleSet,
} from '../../../model/rules.ts';
import { PACKET_FLAG } from '../../../native/layout.ts';
import { RULE } from '../../../table/layout.ts';
import { addressWords } from '../../../table/rows.ts';

/** R1, R4 as they are written. */
function matchRule(set: RuleSet, source: Endpoint): Rule | undefined {
  const find = (wanted: Endpoint) =>
    set.rules.find((r) => exporterKey(r.exporter) === formatEndpoint(wanted));
  return find(source) ?? find(makeEndpoint(source.octets, 0));
}

/** R3, R25 */
function canTakeIpv6({ endpoint, source, sourceEndpoint }: Collector): boolean {
  return isIpv6(endpoint) || source === 'PROXY' || sourceEndpoint !== undefined;
}

/** R3, R5, R17 as they are written: the weights of those who can take the packet. */
function eligible(
  output: Output,
  source: Endpoint,
  pipelines: ReadonlyMap<string, number> = new Map(),
): Map<string, number> {
  if (output.collectors === undefined)
    return new Map([[`pipeline ${pipelines.get(output.pipeline)}`, 1]]);
  const able = output.collectors.filter((collector) => !isIpv6(source) || canTakeIpv6(collector));
  return new Map(
    able.map(({ endpoint: { octets, port }, weight }) => [
      formatEndpoint(makeEndpoint(octets, port || LISTEN_PORT)),
      weight,
    ]),
  );
}

const exporters = ['192.0.2.1', '192.0.2.2', '2001:db8::1', '2001:db8::1:0:0:1'].flatMap((host) =>
  [0, 1, 1000].map((port) => makeEndpoint(endpoint(host).octets, port)),
);
const collectors = [
  '192.0.2.11',
  '192.0.2.11:1',
  '192.0.2.12:2',
  '2001:db8::21',
  '[2001:db8::21]:3',
];
const ruleSets = arbitraryRuleSet({
  exporters: fc.constantFrom(...exporters),
  collectors: fc.constantFrom(...collectors.map(endpoint)),
  isPlain: true,
  hasWays: true,
});
const sources = fc.array(
  fc
    .tuple(fc.constantFrom(...exporters), fc.constantFrom(1, 2, 1000))
    .map(([{ octets }, port]) => makeEndpoint(octets, port)),
  { minLength: 1, maxLength: 64 },
);

/** R2, R16 as they are written: who got how many of the packets of one output. */
class Turns {
  readonly #weights: ReadonlyMap<string, number>;
  readonly #sum: number;
  /** How far a collector may be from its share at any time (native/include/table.h). */
  readonly #maxSurplus: number;
  readonly #counts: Map<string, number>;
  #all = 0;

  constructor(weights: ReadonlyMap<string, number>) {
    this.#weights = weights;
    this.#sum = [...weights.values()].reduce((sum, weight) => sum + weight);
    const areEqual = new Set(weights.values()).size === 1;
    this.#maxSurplus = areEqual ? 1 : Math.ceil(Math.log2(weights.size)) / 2;
    this.#counts = new Map([...weights.keys()].map((collector) => [collector, 0]));
  }

  take(collector: string): void {
    const count = this.#counts.get(collector);
    assert.ok(count !== undefined, `${collector} is none of ${[...this.#weights.keys()]}`);
    this.#counts.set(collector, count + 1);
    this.#all++;
    for (const [name, weight] of this.#weights) {
      const surplus = (this.#counts.get(name) ?? 0) - (this.#all * weight) / this.#sum;
      assert.ok(
        Math.abs(surplus) <= this.#maxSurplus + Number.EPSILON * this.#all,
        `${name} is ${surplus} ahead`,
      );
      if (this.#all % this.#sum === 0) assert.equal(surplus, 0);
    }
  }
}

/** What the rules, as they are written, say of the copies of many packets. */
class Reference {
  dropped = 0;
  ineligible = 0;
  /** By output and family of the packet. */
  readonly #turns = new Map<string, Turns>();
  readonly #pipelines: ReadonlyMap<string, number>;

  constructor(pipelines: ReadonlyMap<string, number>) {
    this.#pipelines = pipelines;
  }

  /**
   * Takes the copies that an output's collectors got of one packet off the front of the list.
   * @param name tells the output of a rule from all others
   */
  takeCopy(name: string, output: Output, source: Endpoint, copies: string[]): void {
    const possible = eligible(output, source, this.#pipelines);
    if (possible.size === 0) {
      this.ineligible++;
      return;
    }
    const copy = copies.shift() ?? '';
    const key = `${name} ${isIpv6(source)}`;
    const turns = this.#turns.get(key) ?? new Turns(possible);
    this.#turns.set(key, turns);
    turns.take(copy);
  }
}

async function assertRoutedAsWritten(set: RuleSet, packets: readonly Endpoint[]): Promise<void> {
  const harness = await RouterHarness.make(set);
  const routed = harness.route(packets);
  const reference = new Reference(harness.allocator.pipelines);
  packets.forEach((source, i) => {
    const matched = matchRule(set, source);
    const slots = matched ? harness.allocator.rule(matched.exporter) : harness.allocator.defaults;
    assert.equal(routed[i]?.inputSlot, slots?.input);
    const groups = matched?.outputs ?? set.defaultOutputs;
    if (groups.length === 0) reference.dropped++;
    const copies = [...(routed[i]?.copies ?? [])];
    const name = matched ? exporterKey(matched.exporter) : 'default';
    for (const [output, group] of groups.entries()) {
      reference.takeCopy(`${name} ${output}`, group, source, copies);
    }
    assert.deepEqual(copies, []);
  });
  assert.equal(harness.router.droppedByRule, reference.dropped);
  assert.equal(harness.router.noEligibleCollector, reference.ineligible);
}

describe('Router', () => {
  it('R1 to R5: routes any packets by any rules as the reference does', async () => {
    const sets = fc.oneof(ruleSets, ruleSets.map(shareOutputs));
    const property = fc.asyncProperty(sets, sources, assertRoutedAsWritten);
    await fc.assert(property, { numRuns: 500 });
  });

  it('R3: balances evenly over IPv6 collectors for IPv6 packets, apart from IPv4 packets', async () => {
    const all = ['192.0.2.11:1', '[2001:db8::21]:1', '192.0.2.12:1', '[2001:db8::22]:1'];
    const harness = await RouterHarness.make(ruleSet([], outputs(all)));
    const packets = Array.from({ length: 40 }, (_, i) =>
      endpoint(i % 2 === 0 ? '192.0.2.1:9' : '[2001:db8::1]:9'),
    );
    const counts = new Map<string, number>();
    for (const { copies } of harness.route(packets)) {
      for (const copy of copies) counts.set(copy, (counts.get(copy) ?? 0) + 1);
    }
    assert.deepEqual(Object.fromEntries(counts), {
      '192.0.2.11:1': 5,
      '192.0.2.12:1': 5,
      '[2001:db8::21]:1': 15,
      '[2001:db8::22]:1': 15,
    });
  });

  it('R16: in as many packets as the weights sum up to, each collector gets its weight, evenly', async () => {
    const weights = fc.oneof(
      fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 2, maxLength: 64 }),
      fc.array(fc.integer({ min: 1, max: MAX_WEIGHT }), { minLength: 2, maxLength: 4 }),
    );
    const property = fc.asyncProperty(weights, fc.boolean(), async (list, isMixed) => {
      const output = { collectors: list.map((weight, i) => collectorOf(i, weight, isMixed)) };
      const harness = await RouterHarness.make(ruleSet([], [output]));
      const sources = ['192.0.2.1:9', ...(isMixed ? ['[2001:db8::1]:9'] : [])].map(endpoint);
      const turns = sources.map((source) => new Turns(eligible(output, source)));
      const packets = Array.from({ length: 64 }, (_, i) => sources[i % sources.length] as Endpoint);
      const count = 2 * list.reduce((sum, weight) => sum + weight) * sources.length + 5;
      for (let sent = 0; sent < count; sent += packets.length) {
        for (const [i, { copies }] of harness.route(packets).entries()) {
          turns[i % sources.length]?.take(copies[0] ?? '');
        }
      }
    });
    await fc.assert(property, { numRuns: 60 });
  });

  it('R16: spreads the packets of a heavy collector between those of the others', async () => {
    const collectors = [5, 1, 1].map((weight, i) => collectorOf(i, weight, false));
    const harness = await RouterHarness.make(ruleSet([], [{ collectors }]));
    const routed = harness.route(Array.from({ length: 14 }, () => endpoint('192.0.2.1:9')));
    const order = routed.map(({ copies }) => copies[0]?.at(-1)).join('');
    assert.equal(order, '12111311211131');
  });

  it('R16: goes on wherever others have left the state of an output', async () => {
    const collectors = [3, 2].map((weight, i) => collectorOf(i, weight, false));
    const harness = await RouterHarness.make(ruleSet([], [{ collectors }]));
    for (const state of [0, 4, 5, 63_999, -1, 0x7fff_ffff, -0x8000_0000]) {
      harness.setStates(state);
      const counts = new Map<string, number>();
      for (const { copies } of harness.route(new Array(10).fill(endpoint('192.0.2.1:9')))) {
        for (const copy of copies) counts.set(copy, (counts.get(copy) ?? 0) + 1);
      }
      assert.deepEqual([...counts.values()].toSorted(), [4, 6], `${state}`);
    }
  });

  it('R14: a packet that has expired counts at its rule and is copied nowhere', async () => {
    const set = ruleSet([rule('192.0.2.1', ['192.0.2.11:1', '192.0.2.12:1'])]);
    const harness = await RouterHarness.make(set);
    const [expired] = harness.route([endpoint('192.0.2.1:9')], PACKET_FLAG.EXPIRED);
    const inputSlot = harness.allocator.rule({ endpoint: endpoint('192.0.2.1') })?.input;
    assert.deepEqual(expired, { inputSlot, copies: [] });
    assert.equal(harness.router.hopLimitExceeded, 1);
    const routed = harness.route([endpoint('192.0.2.1:9')]);
    assert.deepEqual(routed[0]?.copies, ['192.0.2.11:1'], 'no turn was taken for it');
    assert.equal(harness.router.hopLimitExceeded, 0);
  });

  it('R17: a pipeline gets packets of both families, and those that have expired', async () => {
    const both = [...outputs(['192.0.2.11:1']), ...pipelineOutputs('a', 'b')];
    const only = { exporter: { endpoint: endpoint('192.0.2.2') }, outputs: pipelineOutputs('b') };
    const harness = await RouterHarness.make(ruleSet([only], both));
    const sources = ['192.0.2.1:9', '[2001:db8::1]:9', '192.0.2.2:9'].map(endpoint);
    const { a, b } = Object.fromEntries(harness.allocator.pipelines);
    const copies = (flags = 0) => harness.route(sources, flags).map((routed) => routed.copies);
    const [toA, toB] = [`pipeline ${a}`, `pipeline ${b}`];
    assert.deepEqual(copies(), [['192.0.2.11:1', toA, toB], [toA, toB], [toB]]);
    assert.equal(harness.router.hopLimitExceeded, 0);
    assert.deepEqual(copies(PACKET_FLAG.EXPIRED), [[toA, toB], [toA, toB], [toB]]);
    assert.equal(harness.router.hopLimitExceeded, 2, 'R14: of those that have collectors too');
    assert.equal(harness.router.noEligibleCollector, 0);
  });

  it('R3: balances whatever was left in the state of an output', async () => {
    const all = ['192.0.2.11:1', '192.0.2.12:1', '192.0.2.13:1'];
    for (const left of [-1, -(2 ** 31), 2 ** 31 - 1, 3]) {
      const harness = await RouterHarness.make(ruleSet([], outputs(all)), left);
      const routed = harness.route(Array.from({ length: 3 }, () => endpoint('192.0.2.1:9')));
      assert.deepEqual(routed.flatMap(({ copies }) => copies).toSorted(), all, `${left}`);
    }
  });

  it('R1: finds each of 20,000 rules and nothing else', async () => {
    const rules = Array.from({ length: 20_000 }, (_, i) =>
      rule(`10.${i >> 13}.${(i >> 5) & 255}.${i & 31}:${1 + (i % 3)}`),
    );
    const harness = await RouterHarness.make({ rules, defaultOutputs: [] });
    rules.forEach(({ exporter }) => {
      const [a0, a1, a2, a3] = addressWords(exporter.endpoint);
      const found = harness.table.find(a0, a1, a2, a3, exporter.endpoint.port, 0);
      const inputSlot = harness.table.words[found + RULE.INPUT_SLOT];
      assert.equal(inputSlot, harness.allocator.rule(exporter)?.input);
      assert.equal(harness.table.find(a0, a1, a2, a3, 4, 0), harness.table.defaultRule);
    });
  });
});
