import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { RouterHarness } from '../../../../test/support/router-harness.ts';
import { endpoint, ruleSet } from '../../../../test/support/rule-sets.ts';
import { type Endpoint, formatEndpoint, makeEndpoint } from '../../../model/endpoint.ts';
import { type Collector, type CollectorOutput, collectorKey } from '../../../model/rules.ts';

type Balance = NonNullable<CollectorOutput['balance']>;

/** So many packets are routed at once. */
const BATCH = 64;

/** Which collector the packets of each exporter go to. */
async function choices(
  collectors: readonly Collector[],
  exporters: readonly Endpoint[],
  balance: Balance = 'BY_EXPORTER',
): Promise<string[]> {
  const harness = await RouterHarness.make(ruleSet([], [{ collectors, balance }]));
  const chosen: string[] = [];
  for (let at = 0; at < exporters.length; at += BATCH) {
    const routed = harness.route(exporters.slice(at, at + BATCH));
    chosen.push(...routed.map(({ copies }) => copies.join()));
  }
  return chosen;
}

function weighted(weights: readonly number[], host = '198.51.100'): Collector[] {
  return weights.map((weight, i) => ({ endpoint: endpoint(`${host}.${i + 1}:9995`), weight }));
}

/** Addresses one after the other, as networks have them. */
function exporters(count: number, port = 2055): Endpoint[] {
  return Array.from({ length: count }, (_, i) =>
    makeEndpoint(Uint8Array.of(10, i >> 16, (i >> 8) & 255, i & 255), port),
  );
}

/** Pearson's, of the shares that weights demand. */
function chiSquare(chosen: readonly string[], collectors: readonly Collector[]): number {
  const sum = collectors.reduce((all, { weight }) => all + weight, 0);
  const counts = Map.groupBy(chosen, (name) => name);
  return collectors
    .map((collector) => {
      const expected = (chosen.length * collector.weight) / sum;
      const found = counts.get(collectorKey(collector))?.length ?? 0;
      return (found - expected) ** 2 / expected;
    })
    .reduce((all, part) => all + part, 0);
}

/** What chi-square exceeds by chance once in some thousand times (Wilson and Hilferty's approximation). */
function chiSquareBound(degrees: number): number {
  const part = 2 / (9 * degrees);
  return degrees * (1 - part + 3.3 * Math.sqrt(part)) ** 3;
}

const arbitraryCollector: fc.Arbitrary<Collector> = fc
  .tuple(
    fc.oneof(
      fc.uint8Array({ minLength: 4, maxLength: 4 }),
      fc.uint8Array({ minLength: 16, maxLength: 16 }).map((octets) => octets.fill(0x20, 0, 1)),
    ),
    fc.integer({ min: 1, max: 65_535 }),
    fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 1000 })),
  )
  .map(([octets, port, weight]) => ({
    endpoint: makeEndpoint(Uint8Array.from(octets), port),
    weight,
  }));
const arbitraryCollectors = fc.uniqueArray(arbitraryCollector, {
  selector: collectorKey,
  minLength: 2,
  maxLength: 12,
});
const MIXED: readonly Endpoint[] = [
  ...exporters(200),
  ...Array.from({ length: 200 }, (_, i) => endpoint(`[2001:db8::${(i + 1).toString(16)}]:2055`)),
];

const BY_EXPORTER =
  '[2001:db8::c]:2055 .3:9995 .3:9995 .3:9995 [2001:db8::c]:2055 .2:9995 [2001:db8::c]:2055 [2001:db8::c]:2055';
const BY_ENDPOINT =
  '.3:9995 .2:9995 .1:9995 [2001:db8::c]:2055 .3:9995 [2001:db8::c]:2055 [2001:db8::c]:2055 [2001:db8::c]:2055';

describe('R20: collectors that exporters stay with', () => {
  for (const weights of [
    [1, 1],
    [1, 1, 1],
    [1, 1000],
    [5, 5, 5],
    [1, 2, 3, 4],
    [999, 1000, 500, 250, 125, 60],
    Array.from({ length: 64 }, () => 1),
    Array.from({ length: 64 }, (_, i) => 1 + i * 15),
  ]) {
    const name = weights.length > 8 ? `${weights.slice(0, 3)}, … of 64` : `${weights}`;
    it(`have shares as their weights say: ${name}`, async () => {
      const collectors = weighted(weights);
      const chosen = await choices(collectors, exporters(50_000));
      const found = chiSquare(chosen, collectors);
      assert.ok(found < chiSquareBound(weights.length - 1), `chi-square is ${found}`);
    });
  }

  it('keep them when another one comes or goes: only its share moves', async () => {
    const property = fc.asyncProperty(arbitraryCollectors, fc.nat(), async (collectors, pick) => {
      const moving = collectors[pick % collectors.length] as Collector;
      const others = collectors.filter((collector) => collector !== moving);
      const before = await choices(collectors, MIXED);
      const after = await choices(others, MIXED);
      before.forEach((name, i) => {
        if (name === collectorKey(moving)) assert.notEqual(after[i], name);
        // No IPv6 packet can go to an IPv4 collector.
        else assert.equal(after[i], name, formatEndpoint(MIXED[i] as Endpoint));
      });
    });
    await fc.assert(property, { numRuns: 60 });
  });

  it('are the same ones when a weight changes, but for packets that go to or leave that collector', async () => {
    const weight = fc.integer({ min: 1, max: 1000 });
    const property = fc.asyncProperty(arbitraryCollectors, weight, async (collectors, other) => {
      const [first, ...rest] = collectors as [Collector, ...Collector[]];
      const before = await choices(collectors, MIXED);
      const after = await choices([{ ...first, weight: other }, ...rest], MIXED);
      const grows = other > first.weight;
      before.forEach((name, i) => {
        if (after[i] === name) return;
        assert.equal(grows ? after[i] : name, collectorKey(first));
      });
    });
    await fc.assert(property, { numRuns: 60 });
  });

  it('are the same ones on every node, whatever the order of collectors in the rule', async () => {
    const property = fc.asyncProperty(arbitraryCollectors, async (collectors) => {
      // Each table has a hash key of its own.
      const one = await choices(collectors, MIXED);
      assert.deepEqual(await choices(collectors.toReversed(), MIXED), one);
      const doubled = collectors.map(({ weight, ...rest }) => ({ ...rest, weight: 1 }));
      const tenfold = doubled.map((collector) => ({ ...collector, weight: 10 }));
      assert.deepEqual(await choices(doubled, MIXED), await choices(tenfold, MIXED));
    });
    await fc.assert(property, { numRuns: 30 });
  });

  it('are the same ones in every version: nodes are upgraded one after the other', async () => {
    const collectors = [...weighted([1, 2, 3]), { endpoint: endpoint('[2001:db8::c]'), weight: 4 }];
    const sources = [...exporters(6), ...MIXED.slice(200, 202)];
    const names = (list: readonly string[]) => list.join(' ').replaceAll('198.51.100', '');
    const byExporter = await choices(collectors, sources);
    const byEndpoint = await choices(collectors, sources, 'BY_ENDPOINT');
    assert.equal(names(byExporter), BY_EXPORTER);
    assert.equal(names(byEndpoint), BY_ENDPOINT);
  });

  it('depend on the port of the exporter BY_ENDPOINT, and not BY_EXPORTER', async () => {
    const collectors = weighted([1, 1, 1, 1]);
    const ports = Array.from({ length: 20_000 }, (_, i) =>
      makeEndpoint(Uint8Array.of(192, 0, 2, 1), i + 1),
    );
    assert.equal(new Set(await choices(collectors, ports)).size, 1);
    const byEndpoint = await choices(collectors, ports, 'BY_ENDPOINT');
    assert.ok(chiSquare(byEndpoint, collectors) < chiSquareBound(collectors.length - 1));
  });

  it('can take the packet (R3), and are others for none of the rest', async () => {
    const collectors = [
      ...weighted([3, 1]),
      ...['[2001:db8::c]:1', '[2001:db8::d]:1'].map((text) => ({
        endpoint: endpoint(text),
        weight: 1,
      })),
    ];
    const [v4, v6] = [MIXED.slice(0, 200), MIXED.slice(200)];
    const ofV6 = await choices(collectors, v6);
    assert.deepEqual([...new Set(ofV6)].toSorted(), ['[2001:db8::c]:1', '[2001:db8::d]:1']);
    assert.deepEqual(ofV6, await choices(collectors.slice(2), v6));
    assert.equal(new Set(await choices(collectors, v4)).size, 4);
  });
});
