import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Datagram } from './datagrams.ts';
import { numberedPayload } from './numbered.ts';
import { assertWellFormed, type Demand, verify } from './verify.ts';

const FROM = { host: '203.0.113.1', port: 5000 };
const COLLECTORS = ['198.51.100.1', '198.51.100.2', '2001:db8:c::1'];
const [A, B, C] = COLLECTORS.map((host) => ({ host, port: 9995 }));
const payload = (i: number) => numberedPayload(1, i, 3 * i);

const DEMAND: Demand = {
  ruleSet: {
    rules: [
      {
        exporter: FROM,
        outputs: [[A, B], [C]].map((group) => group.filter((c) => c !== undefined)),
      },
    ],
  },
  sent: [{ from: FROM, count: 6, payload }],
};

function datagram(i: number, destination: string, changes: Partial<Datagram> = {}): Datagram {
  const isIpv6 = destination.includes(':');
  return {
    source: isIpv6 ? `::ffff:${FROM.host}` : FROM.host,
    sourcePort: FROM.port,
    destination,
    destinationPort: 9995,
    payload: payload(i),
    family: isIpv6 ? 6 : 4,
    fragments: 1,
    hopLimit: 63,
    dscp: 0,
    doNotFragment: false,
    headerChecksumIsGood: true,
    checksum: 'good',
    checksumField: 1,
    largestPacketBytes: 100,
    ...changes,
  };
}

/** What a faultless proxy does: the first output by turns, the second whole. */
function faultless(): Datagram[] {
  const first = [0, 1, 2, 3, 4, 5].map((i) => datagram(i, COLLECTORS[i % 2] ?? ''));
  const second = [0, 1, 2, 3, 4, 5].map((i) => datagram(i, COLLECTORS[2] ?? ''));
  return [...first, ...second];
}

test('what a faultless proxy sends is accepted', () => {
  verify(faultless(), DEMAND);
  assertWellFormed(faultless());
});

for (const [fault, change, message] of [
  ['a lost copy', (all: Datagram[]) => all.toSpliced(7, 1), /packet 1 .* next at none of/],
  ['a lost last copy', (all: Datagram[]) => all.slice(0, -1), /packet 5 .* next at none of/],
  ['a copy too many', (all: Datagram[]) => all.concat(all.slice(3, 4)), /1 packets .* too many/],
  [
    'a copy for a stranger',
    (all: Datagram[]) => [...all, datagram(0, '198.51.100.3')],
    /too many at 198\.51\.100\.3/,
  ],
  [
    'two copies in the wrong order',
    (all: Datagram[]) => [...all.slice(0, 7), all[8], all[7], ...all.slice(9)],
    /packet 1 /,
  ],
  [
    'a changed byte',
    (all: Datagram[]) => all.with(5, datagram(5, '198.51.100.2', { payload: Buffer.alloc(15) })),
    /packet 5 /,
  ],
  [
    'another source port',
    (all: Datagram[]) => all.with(2, datagram(2, '198.51.100.1', { sourcePort: 5001 })),
    /packet 2 /,
  ],
  [
    'a source that is not mapped',
    (all: Datagram[]) =>
      all.with(6, datagram(0, '2001:db8:c::1', { source: '64:ff9b::cb00:7101' })),
    /packet 0 /,
  ],
  [
    'another destination port',
    (all: Datagram[]) => all.with(2, datagram(2, '198.51.100.1', { destinationPort: 9 })),
    /packet 2 /,
  ],
] as const) {
  test(`${fault} is found`, () => {
    const arrived = change(faultless()).filter((copy) => copy !== undefined);
    assert.throws(() => verify(arrived, DEMAND), message);
  });
}

test('R16: packets that are not shared by weights are found', () => {
  const [rule] = DEMAND.ruleSet.rules;
  assert.ok(rule && A && B && C);
  const demand = (weight: number) => {
    const outputs = [[{ ...A, weight }, B], [C]];
    return { ...DEMAND, unevenness: 1, ruleSet: { rules: [{ ...rule, outputs }] } };
  };
  verify(faultless(), demand(1));
  assert.throws(() => verify(faultless(), demand(5)), /uneven/);
  const byWeight = faultless().map((copy, i) =>
    i < 6 ? datagram(i, COLLECTORS[i === 3 ? 1 : 0] ?? '') : copy,
  );
  verify(byWeight, demand(5));
});

test('uneven balancing is found', () => {
  const toOne = faultless().map((copy, i) => (i < 6 ? datagram(i, '198.51.100.1') : copy));
  assert.throws(() => verify(toOne, DEMAND), /uneven/);
});

for (const [fault, change] of [
  ['a wrong UDP checksum', { checksum: 'bad' }],
  ['a missing UDP checksum', { checksum: 'zero' }],
  ['a wrong header checksum', { headerChecksumIsGood: false }],
  ['DF', { doNotFragment: true }],
  ['another hop limit', { hopLimit: 64 }],
] as const) {
  test(`${fault} is found`, () => {
    assert.throws(() => assertWellFormed([datagram(0, '198.51.100.1', change)]));
  });
}
