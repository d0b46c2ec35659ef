import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { arbitraryRuleSet } from '../../../../test/support/arbitrary-rules.ts';
import {
  endpoint,
  outputs,
  rule,
  ruleSet,
  shareOutputs,
} from '../../../../test/support/rule-sets.ts';
import { compileRules, LISTEN_PORT, makeAllocator } from '../../../../test/support/tables.ts';
import { type Endpoint, formatEndpoint, isIpv6, makeEndpoint } from '../../../model/endpoint.ts';
import { exporterKey, type Output, type Rule, type RuleSet } from '../../../model/rules.ts';
import { COPY, PACKET, PACKET_FLAG } from '../../../native/layout.ts';
import type { ForwardingTable } from '../../../table/forwarding-table.ts';
import { COLLECTOR, RULE, STATE } from '../../../table/layout.ts';
import { addressWords } from '../../../table/rows.ts';
import type { SlotAllocator } from '../../../table/slots.ts';
import { Router } from './router.ts';

const STATES = 50_000;

interface Routed {
  readonly inputSlot: number;
  /** Where each copy goes, as formatEndpoint() prints it. */
  readonly copies: readonly string[];
}

/** Routes packets by a rule set as a forwarder does, one batch for all. */
class RouterHarness {
  readonly allocator: SlotAllocator;
  readonly #packets = new Int32Array(64 * PACKET.WORDS);
  readonly #copies = new Int32Array(64 * 32 * COPY.WORDS);
  readonly #states = new Int32Array(STATES * STATE.WORDS);
  readonly table: ForwardingTable;
  readonly router: Router;

  static async make(set: RuleSet): Promise<RouterHarness> {
    const allocator = makeAllocator(STATES);
    const { table } = await compileRules(set, allocator);
    return new RouterHarness(allocator, table);
  }

  private constructor(allocator: SlotAllocator, table: ForwardingTable) {
    this.allocator = allocator;
    this.table = table;
    const memory = { packets: this.#packets, copies: this.#copies, states: this.#states };
    this.router = new Router(memory, this.table);
  }

  /** @param flags on top of that of the family, for all packets */
  route(sources: readonly Endpoint[], flags = 0): Routed[] {
    sources.forEach((source, i) => {
      const at = i * PACKET.WORDS;
      this.#packets.set(addressWords(source), at + PACKET.SOURCE);
      this.#packets[at + PACKET.SOURCE_PORT] = source.port;
      this.#packets[at + PACKET.FLAGS] = (isIpv6(source) ? PACKET_FLAG.IPV6 : 0) | flags;
    });
    const copies = this.router.route(sources.length);
    const routed = sources.map((_, i) => ({
      inputSlot: this.#packets[i * PACKET.WORDS + PACKET.INPUT_SLOT] ?? -1,
      copies: [] as string[],
    }));
    for (let i = 0; i < copies; i++) {
      const packet = this.#copies[i * COPY.WORDS + COPY.PACKET] ?? -1;
      routed[packet]?.copies.push(
        this.#collector(this.#copies[i * COPY.WORDS + COPY.COLLECTOR] ?? -1),
      );
    }
    return routed;
  }

  #collector(index: number): string {
    const at = this.table.collectorsAtBytes + index * COLLECTOR.SIZE;
    const bytes = new Uint8Array(this.table.words.buffer, at, COLLECTOR.SIZE);
    const octets = bytes[COLLECTOR.FAMILY_BYTE] === 6 ? bytes.slice(0, 16) : bytes.slice(12, 16);
    const port = new DataView(bytes.buffer, at).getUint16(COLLECTOR.PORT_BYTE);
    return formatEndpoint(makeEndpoint(octets, port));
  }
}

/** R1, R4 as they are written. */
function matchRule(set: RuleSet, source: Endpoint): Rule | undefined {
  const find = (wanted: Endpoint) =>
    set.rules.find((r) => exporterKey(r.exporter) === formatEndpoint(wanted));
  return find(source) ?? find(makeEndpoint(source.octets, 0));
}

/** R3, R5 as they are written. */
function eligible(output: Output, source: Endpoint): string[] {
  return output.collectors
    .filter(({ endpoint }) => !isIpv6(source) || isIpv6(endpoint))
    .map(({ endpoint: { octets, port } }) =>
      formatEndpoint(makeEndpoint(octets, port || LISTEN_PORT)),
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
});
const sources = fc.array(
  fc
    .tuple(fc.constantFrom(...exporters), fc.constantFrom(1, 2, 1000))
    .map(([{ octets }, port]) => makeEndpoint(octets, port)),
  { minLength: 1, maxLength: 64 },
);

/** What the rules, as they are written, say of the copies of many packets. */
class Reference {
  dropped = 0;
  ineligible = 0;
  /** Copies by output, then by family of the packet and collector. */
  readonly turns = new Map<string, Map<string, number>>();

  /**
   * Takes the copies that an output's collectors got of one packet off the front of the list.
   * @param name tells the output of a rule from all others
   */
  takeCopy(name: string, output: Output, source: Endpoint, copies: string[]): void {
    const possible = eligible(output, source);
    if (possible.length === 0) {
      this.ineligible++;
      return;
    }
    const copy = copies.shift() ?? '';
    assert.ok(possible.includes(copy), `${copy} is none of ${possible}`);
    const counts = this.turns.get(name) ?? new Map<string, number>();
    const key = `${isIpv6(source)} ${copy}`;
    this.turns.set(name, counts.set(key, (counts.get(key) ?? 0) + 1));
  }
}

async function assertRoutedAsWritten(set: RuleSet, packets: readonly Endpoint[]): Promise<void> {
  const harness = await RouterHarness.make(set);
  const routed = harness.route(packets);
  const reference = new Reference();
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
  for (const counts of reference.turns.values()) assertEven(counts);
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

  it('R1: finds each of 20,000 rules and nothing else', async () => {
    const rules = Array.from({ length: 20_000 }, (_, i) =>
      rule(`10.${i >> 13}.${(i >> 5) & 255}.${i & 31}:${1 + (i % 3)}`),
    );
    const harness = await RouterHarness.make({ rules, defaultOutputs: [] });
    rules.forEach(({ exporter }) => {
      const [a0, a1, a2, a3] = addressWords(exporter.endpoint);
      const found = harness.table.find(a0, a1, a2, a3, exporter.endpoint.port);
      const inputSlot = harness.table.words[found + RULE.INPUT_SLOT];
      assert.equal(inputSlot, harness.allocator.rule(exporter)?.input);
      assert.equal(harness.table.find(a0, a1, a2, a3, 4), harness.table.defaultRule);
    });
  });
});

/** Within each family no collector is more than one packet ahead. */
function assertEven(counts: ReadonlyMap<string, number>): void {
  for (const family of ['true', 'false']) {
    const values = [...counts].filter(([key]) => key.startsWith(family)).map(([, count]) => count);
    assert.ok(values.length === 0 || Math.max(...values) - Math.min(...values) <= 1, `${values}`);
  }
}
