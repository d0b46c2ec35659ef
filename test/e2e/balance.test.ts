import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { OutputText, RuleSetText } from '../lab/reference.ts';
import { requireRoot } from '../lab/require-root.ts';
import { Stage } from '../lab/stage.ts';
import { assertWellFormed, verify } from '../lab/verify.ts';

const PORT = 9995;
const V4 = [1, 2, 3, 4].map((i) => ({ host: `198.51.100.${i}`, port: PORT }));
const V6 = [1, 2, 3, 4].map((i) => ({ host: `2001:db8:c::${i}`, port: PORT }));
const PACKETS = 5;
/** Two ports of each address. */
const EXPORTERS = Array.from({ length: 30 }, (_, i) => [
  { host: `203.0.113.${i + 1}`, port: 5000 },
  { host: `203.0.113.${i + 1}`, port: 5001 },
  { host: `2001:db8:e::${(i + 1).toString(16)}`, port: 5000 },
  { host: `2001:db8:e::${(i + 1).toString(16)}`, port: 5001 },
]).flat();

describe('balancing by exporter', { skip: requireRoot() }, () => {
  let stage: Stage;
  before(async () => {
    stage = await Stage.start();
  });
  after(() => stage[Symbol.asyncDispose]());

  /** Sends packets from each exporter and holds the wire against the reference. @returns who got whose */
  async function forward(outputs: readonly OutputText[]): Promise<Map<string, string>> {
    const ruleSet: RuleSetText = { rules: [], defaultOutputs: outputs };
    await stage.api.replace(ruleSet);
    return forwardMore(ruleSet);
  }

  async function forwardMore(ruleSet: RuleSetText): Promise<Map<string, string>> {
    const payload = (i: number) => Buffer.from(`packet ${i}`);
    const shots = Array.from({ length: PACKETS }, (_, i) =>
      EXPORTERS.map((from) => ({ from, payload: payload(i) })),
    ).flat();
    const arrived = await stage.exchange(shots);
    assertWellFormed(arrived);
    verify(arrived, {
      ruleSet,
      sent: EXPORTERS.map((from) => ({ from, count: PACKETS, payload })),
      unevenness: 0,
    });
    return new Map(
      arrived.map(({ source, sourcePort, destination }) => [
        `${source} ${sourcePort}`,
        destination,
      ]),
    );
  }

  for (const [name, collectors] of [
    ['IPv4', V4],
    ['IPv6, and IPv4 to IPv6', V6],
    ['both families', [...V4, ...V6]],
  ] as const) {
    test(`R20: an exporter stays with one collector: ${name}`, async () => {
      for (const balance of ['BY_EXPORTER', 'BY_ENDPOINT'] as const) {
        const homes = await forward([{ balance, collectors }]);
        const used = new Set(homes.values());
        assert.equal(used.size, collectors.length, `${balance} leaves nobody out`);
        const apart = [...homes].filter(
          ([from, home]) =>
            from.endsWith(' 5000') && homes.get(from.replace(/5000$/, '5001')) !== home,
        );
        assert.equal(apart.length > 0, balance === 'BY_ENDPOINT', 'ports of one address');
      }
    });
  }

  test('R20: weights are shares of exporters, and each output chooses for itself', async () => {
    const heavy = V4.map((collector, i) => ({ ...collector, weight: i === 0 ? 30 : 1 }));
    const homes = await forward([
      { balance: 'BY_EXPORTER', collectors: heavy },
      { balance: 'BY_ENDPOINT', collectors: V6 },
    ]);
    assert.ok(homes.size > 0);
  });

  test('R20: a collector that goes, comes or stands elsewhere in the rule moves only its share', async () => {
    const all = await forward([{ balance: 'BY_EXPORTER', collectors: V6 }]);
    const [gone, ...others] = V6;
    const without = await forward([{ balance: 'BY_EXPORTER', collectors: others.toReversed() }]);
    for (const [from, home] of all) {
      if (home !== gone?.host) assert.equal(without.get(from), home, from);
    }
    assert.deepEqual(await forward([{ balance: 'BY_EXPORTER', collectors: V6 }]), all);
  });

  test('R20: another node chooses the same, whatever the order of collectors', async () => {
    const defaultOutputs = [{ balance: 'BY_ENDPOINT', collectors: [...V4, ...V6] } as const];
    const before = await forward(defaultOutputs);
    await using other = await Stage.start();
    await other.api.replace({
      rules: [],
      defaultOutputs: [{ ...defaultOutputs[0], collectors: [...V6, ...V4] }],
    });
    const shots = EXPORTERS.map((from) => ({ from, payload: Buffer.from('one') }));
    for (const { source, sourcePort, destination } of await other.exchange(shots)) {
      assert.equal(destination, before.get(`${source} ${sourcePort}`), source);
    }
  });
});
