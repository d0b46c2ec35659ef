import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { edited, exporter, rule, ruleEdit, ruleSet } from '../../test/support/rule-sets.ts';
import { compileRules, editRules, makeAllocator, meaningOf } from '../../test/support/tables.ts';
import { parseAddress } from '../model/address.ts';
import { type Endpoint, formatEndpoint, isIpv6, makeEndpoint } from '../model/endpoint.ts';
import { type Exporter, exporterKey, type Rule } from '../model/rules.ts';
import { ForwardingTable } from './forwarding-table.ts';
import { HEADER, RULE } from './layout.ts';
import { addressWords } from './rows.ts';

/** Few bits vary, so that prefixes lie in each other and packets meet them. */
const BASES = [
  '10.20.0.0',
  '10.20.128.7',
  '192.0.2.1',
  '2001:db8::',
  '2001:db8:0:1::8000:0',
  'ffff::1',
];
/** Most rules name none: then those of prefixes in each other are many. */
const PORTS = [0, 0, 0, 7, 2055];

interface Packet {
  readonly source: Endpoint;
  readonly listening: number;
}

const address = fc
  .tuple(fc.constantFrom(...BASES), fc.array(fc.nat({ max: 127 }), { maxLength: 4 }))
  .map(([base, flips]) => {
    const octets = Uint8Array.from(parseAddress(base) as Uint8Array);
    for (const flip of flips) {
      const bit = flip % (octets.length * 8);
      octets[bit >> 3] = (octets[bit >> 3] as number) ^ (0x80 >> (bit & 7));
    }
    return octets;
  });

const arbitraryExporter: fc.Arbitrary<Exporter> = fc
  .record({
    octets: address,
    port: fc.constantFrom(...PORTS),
    length: fc.option(fc.nat({ max: 127 }), { nil: undefined }),
    listening: fc.constantFrom(undefined, undefined, undefined, 9995, 2055),
  })
  .map(({ octets, port, length, listening }) => {
    const bits = octets.length * 8;
    const prefixLength = length === undefined ? undefined : length % bits;
    const masked = octets.map((octet, i) => octet & maskOf((prefixLength ?? bits) - i * 8));
    return {
      endpoint: makeEndpoint(masked, port),
      ...(prefixLength !== undefined && { prefixLength }),
      ...(listening !== undefined && { listeningPort: listening }),
    };
  });

const arbitraryRules = fc
  .uniqueArray(arbitraryExporter, { selector: exporterKey, maxLength: 40, size: 'max' })
  .map((exporters) => exporters.map((one): Rule => ({ exporter: one, outputs: [] })));

const arbitraryPackets = fc.array(
  fc.record({
    source: fc.tuple(address, fc.constantFrom(1, 7, 2055)).map(([a, p]) => makeEndpoint(a, p)),
    listening: fc.constantFrom(2055, 9995, 6343),
  }),
  { minLength: 1, maxLength: 60, size: 'max' },
);

/** Of a byte, so many bits. */
function maskOf(bits: number): number {
  return bits >= 8 ? 0xff : bits <= 0 ? 0 : (0xff << (8 - bits)) & 0xff;
}

/** R1, R18, R19 as they are written: of all rules that hold the packet, the one before all others. */
function expected(rules: readonly Rule[], { source, listening }: Packet): string | undefined {
  const rank = ({ endpoint, prefixLength, listeningPort }: Exporter) =>
    (prefixLength ?? 128) * 4 +
    (endpoint.port === 0 ? 0 : 2) +
    (listeningPort === undefined ? 0 : 1);
  const holding = rules
    .map((one) => one.exporter)
    .filter(
      ({ endpoint, prefixLength, listeningPort }) =>
        isIpv6(endpoint) === isIpv6(source) &&
        bitsOf(source).startsWith(bitsOf(endpoint).slice(0, prefixLength)) &&
        (endpoint.port === 0 || endpoint.port === source.port) &&
        (listeningPort === undefined || listeningPort === listening),
    )
    .toSorted((a, b) => rank(b) - rank(a));
  return holding[0] && exporterKey(holding[0]);
}

function bitsOf({ octets }: Endpoint): string {
  return Array.from(octets, (octet) => octet.toString(2).padStart(8, '0')).join('');
}

function inputOf(table: ForwardingTable, { source, listening }: Packet): number {
  const at = table.find(...addressWords(source), source.port, listening);
  return table.words[at + RULE.INPUT_SLOT] as number;
}

function assertFinds(
  table: ForwardingTable,
  allocator: ReturnType<typeof makeAllocator>,
  rules: readonly Rule[],
  packets: readonly Packet[],
): void {
  const byInput = new Map(
    rules.map((one) => [allocator.rule(one.exporter)?.input, exporterKey(one.exporter)]),
  );
  for (const packet of packets) {
    const found = byInput.get(inputOf(table, packet));
    const name = `${formatEndpoint(packet.source)} on ${packet.listening}`;
    assert.equal(found, expected(rules, packet), name);
  }
}

describe('prefixes in a forwarding table', () => {
  it('R18, R19: of random rules the one fires that a list in the order of the specification says', async () => {
    const property = fc.asyncProperty(arbitraryRules, arbitraryPackets, async (rules, packets) => {
      const allocator = makeAllocator();
      const { table } = await compileRules(ruleSet(rules), allocator);
      assertFinds(table, allocator, rules, packets);
    });
    await fc.assert(property, { numRuns: 500 });
  });

  it('R18: after any edits the table says what one that is compiled of the same rules says', async () => {
    const edits = fc.array(
      fc.tuple(fc.array(fc.nat(), { maxLength: 20 }), arbitraryRules, arbitraryPackets),
      { maxLength: 8 },
    );
    let kept = 0;
    const property = fc.asyncProperty(arbitraryRules, edits, async (first, changes) => {
      const allocator = makeAllocator();
      let set = ruleSet(first);
      let table = await compileRules(set, allocator);
      for (const [gone, upserts, packets] of changes) {
        const names = set.rules.map((one) => exporterKey(one.exporter));
        const deleted = [...new Set(gone.map((i) => names[i % names.length]))].filter(
          (name) => name !== undefined,
        );
        const edit = ruleEdit(deleted, upserts);
        set = edited(set, edit);
        const written = await editRules(table, allocator, set, edit);
        if (written === undefined) table = await compileRules(set, allocator);
        else kept++;
        const whole = await compileRules(set, allocator);
        const { words } = table;
        assert.deepEqual(meaningOf(words.buffer), meaningOf(whole.words.buffer));
        assertFinds(new ForwardingTable(words.buffer), allocator, set.rules, packets);
      }
    });
    await fc.assert(property, { numRuns: 150 });
    assert.ok(kept > 150, `${kept} edits were made in place`);
  });

  it('R18: a default route of one family takes nothing of the other', async () => {
    for (const [name, other] of [
      ['0.0.0.0/0', '2001:db8::1'],
      ['::/0', '192.0.2.1'],
    ] as const) {
      const { table } = await compileRules(ruleSet([rule(name)]));
      const source = { ...exporter(other).endpoint, port: 9 };
      assert.equal(inputOf(table, { source, listening: 2055 }), 0, name);
    }
  });

  it('a prefix that comes or goes among many writes a few rows', async () => {
    const allocator = makeAllocator(400_000);
    const many = Array.from({ length: 3000 }, (_, i) =>
      rule(`${10 + (i & 7)}.${(i >> 3) & 255}.${(i >> 11) << 4}.0/${20 + (i & 3)}`),
    );
    let set = ruleSet([...new Map(many.map((one) => [exporterKey(one.exporter), one])).values()]);
    const table = await compileRules(set, allocator);
    for (let i = 0; i < 100; i++) {
      const gone = set.rules[i * 17]?.exporter;
      const edit = ruleEdit(gone === undefined ? [] : [exporterKey(gone)], [
        rule(`10.${i & 255}.${i >> 4}.0/24`),
      ]);
      set = edited(set, edit);
      const written = await editRules(table, allocator, set, edit);
      assert.ok(written !== undefined && written < 300, `${written} words`);
    }
    assert.equal(table.words[HEADER.PORT_RULES], 0);
  });
});
