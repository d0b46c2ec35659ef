import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { RuleSetText } from '../lab/reference.ts';
import { requireRoot } from '../lab/require-root.ts';
import { Stage } from '../lab/stage.ts';
import { assertWellFormed, verify } from '../lab/verify.ts';

const C1 = { host: '198.51.100.1', port: 9995 };
const C2 = { host: '198.51.100.2', port: 9995 };
const C3 = { host: '198.51.100.3', port: 9995 };
const C6A = { host: '2001:db8:c::a', port: 9996 };
const C6B = { host: '2001:db8:c::b', port: 9996 };

describe('matching and balancing', { skip: requireRoot() }, () => {
  let stage: Stage;
  before(async () => {
    stage = await Stage.start();
  });
  after(() => stage[Symbol.asyncDispose]());

  /** Sends packets from each endpoint and holds the wire against the reference. */
  async function forward(
    ruleSet: RuleSetText,
    from: { host: string; port: number }[],
    count: number,
  ) {
    await stage.api.replace(ruleSet);
    const payload = (i: number) => Buffer.from(`packet ${i}`);
    const shots = Array.from({ length: count }, (_, i) =>
      from.map((endpoint) => ({ from: endpoint, payload: payload(i) })),
    ).flat();
    const arrived = await stage.exchange(shots);
    verify(arrived, {
      ruleSet,
      sent: from.map((endpoint) => ({ from: endpoint, count, payload })),
    });
    assertWellFormed(arrived);
    return arrived;
  }

  for (const [family, host, c1, c2] of [
    ['IPv4', '203.0.113.1', C1, C2],
    ['IPv6', '2001:db8:e::1', C6A, C6B],
  ] as const) {
    test(`R1: the ${family} exporter's address and port beat its address alone, in any order of rules`, async () => {
      const withPort = { exporter: { host, port: 5000 }, outputs: [[c1]] };
      const without = { exporter: { host }, outputs: [[c2]] };
      for (const rules of [
        [withPort, without],
        [without, withPort],
      ]) {
        const arrived = await forward(
          { rules },
          [
            { host, port: 5000 },
            { host, port: 5001 },
          ],
          3,
        );
        const seen = arrived
          .map(({ sourcePort, destination }) => `${sourcePort} ${destination}`)
          .sort();
        assert.deepEqual(seen, [
          ...Array(3).fill(`5000 ${c1.host}`),
          ...Array(3).fill(`5001 ${c2.host}`),
        ]);
      }
    });
  }

  test('R1: a rule with a port does not take the other ports of its exporter', async () => {
    const host = '203.0.113.1';
    const ruleSet = {
      rules: [{ exporter: { host, port: 5000 }, outputs: [[C1]] }],
      defaultOutputs: [[C2]],
    };
    const arrived = await forward(ruleSet, [{ host, port: 5001 }], 2);
    assert.deepEqual(
      arrived.map(({ destination }) => destination),
      [C2.host, C2.host],
    );
  });

  test('R2: every output gets the packet, and in an output exactly one collector, in even rotation', async () => {
    const from = { host: '203.0.113.2', port: 5000 };
    const ruleSet = {
      rules: [
        {
          exporter: { host: from.host },
          outputs: [
            [C1, C2, C3],
            [C6A, C6B],
          ],
        },
      ],
    };
    const arrived = await forward(ruleSet, [from], 60);
    const counts = Map.groupBy(arrived, ({ destination }) => destination);
    const sizes = [C1, C2, C3, C6A, C6B].map(({ host }) => counts.get(host)?.length);
    assert.deepEqual(sizes, [20, 20, 20, 30, 30]);
  });

  test('R2: one collector in two outputs gets two copies', async () => {
    const from = { host: '203.0.113.2', port: 5000 };
    await stage.api.replace({ rules: [{ exporter: from, outputs: [[C1], [C1]] }] });
    const arrived = await stage.exchange([{ from, payload: Buffer.from('twice') }]);
    assert.deepEqual(
      arrived.map(({ payload }) => payload.toString()),
      ['twice', 'twice'],
    );
  });

  test('R3: an IPv6 packet goes to IPv6 collectors only, evenly, apart from the rotation of IPv4', async () => {
    const v4 = { host: '203.0.113.3', port: 5000 };
    const v6 = { host: '2001:db8:e::3', port: 5000 };
    const ruleSet = { rules: [], defaultOutputs: [[C1, C6A, C2, C6B]] };
    const arrived = await forward(ruleSet, [v4, v6], 40);
    const ofV6 = arrived.filter(({ source }) => source === v6.host);
    const ofV4 = arrived.filter(({ source }) => source !== v6.host);
    const count = (datagrams: typeof arrived, { host }: { host: string }) =>
      datagrams.filter(({ destination }) => destination === host).length;
    assert.deepEqual(
      [C1, C6A, C2, C6B].map((c) => count(ofV6, c)),
      [0, 20, 0, 20],
    );
    assert.deepEqual(
      [C1, C6A, C2, C6B].map((c) => count(ofV4, c)),
      [10, 10, 10, 10],
    );
  });

  test('R16: collectors get packets by their weights, those of each family apart, and not in bursts', async () => {
    const v4 = { host: '203.0.113.3', port: 5000 };
    const v6 = { host: '2001:db8:e::3', port: 5000 };
    const all = [{ ...C1, weight: 5 }, { ...C6A, weight: 3 }, C2, { ...C6B, weight: 1 }];
    const arrived = await forward({ rules: [], defaultOutputs: [all] }, [v4, v6], 40);
    // In the order in which they were sent: copies to different collectors can overtake each other.
    const numberOf = ({ payload }: (typeof arrived)[number]) => Number(`${payload}`.split(' ')[1]);
    const [ofV6 = [], ofV4 = []] = [true, false].map((isV6) =>
      arrived
        .filter(({ source }) => (source === v6.host) === isV6)
        .toSorted((a, b) => numberOf(a) - numberOf(b)),
    );
    const counts = (datagrams: typeof arrived) =>
      all.map((c) => datagrams.filter(({ destination }) => destination === c.host).length);
    assert.deepEqual(counts(ofV4), [20, 12, 4, 4]);
    assert.deepEqual(counts(ofV6), [0, 30, 0, 10]);
    for (let cycle = 0; cycle < 40; cycle += 10) {
      assert.deepEqual(counts(ofV4.slice(cycle, cycle + 10)), [5, 3, 1, 1]);
    }
    const sequence = ofV6.map(({ destination }) => (destination === C6A.host ? 'a' : 'b')).join('');
    assert.doesNotMatch(sequence, /bb|aaaa/);
  });

  test('R16: other weights are in force with the answer to the change', async () => {
    const from = { host: '203.0.113.2', port: 5000 };
    const rules = (weight: number) => ({
      rules: [{ exporter: { host: from.host }, outputs: [[{ ...C1, weight }, C2]] }],
    });
    for (const weight of [1, 3, 19]) {
      const arrived = await forward(rules(weight), [from], 40);
      const ofC1 = arrived.filter(({ destination }) => destination === C1.host);
      assert.equal(ofC1.length, 40 - 40 / (weight + 1));
    }
  });

  test('R3: an output where nobody can take the packet sends nothing and counts it', async () => {
    const before = await stage.api.status();
    const v6 = { host: '2001:db8:e::4', port: 5000 };
    const arrived = await forward({ rules: [], defaultOutputs: [[C1, C2], [C6A]] }, [v6], 5);
    assert.equal(arrived.length, 5);
    const after = await stage.api.status();
    const sum = ({ forwarders }: typeof after) =>
      forwarders.reduce(
        (total, { no_eligible_collector }) => total + Number(no_eligible_collector),
        0,
      );
    assert.equal(sum(after) - sum(before), 5);
  });

  test('R4: what no rule matches goes to the default outputs and counts as mismatched', async () => {
    const ruleSet = {
      rules: [{ exporter: { host: '203.0.113.5' }, outputs: [[C1]] }],
      defaultOutputs: [[C2], [C6A, C6B]],
    };
    const before = Number((await stage.api.statistics()).mismatched.packets);
    await forward(
      ruleSet,
      [
        { host: '203.0.113.5', port: 1 },
        { host: '203.0.113.6', port: 1 },
      ],
      10,
    );
    const after = Number((await stage.api.statistics()).mismatched.packets);
    assert.equal(after - before, 10);
  });

  test('R4: without default outputs a packet that no rule matches is counted and sent nowhere', async () => {
    const before = Number((await stage.api.statistics()).mismatched.packets);
    const arrived = await forward({ rules: [] }, [{ host: '203.0.113.7', port: 1 }], 7);
    assert.deepEqual(arrived, []);
    assert.equal(Number((await stage.api.statistics()).mismatched.packets) - before, 7);
  });

  test('R5: a collector without port gets the packet on the port on which the proxy received it', async () => {
    const from = { host: '203.0.113.8', port: 5000 };
    const collectors = [[{ host: C1.host }], [{ host: C6A.host, port: 0 }]];
    const arrived = await forward({ rules: [{ exporter: from, outputs: collectors }] }, [from], 1);
    const ports = arrived.map(({ destinationPort }) => destinationPort);
    assert.deepEqual(ports, [2055, 2055]);
  });
});
