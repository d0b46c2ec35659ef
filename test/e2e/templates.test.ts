import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import type { RuleSetText } from '../lab/reference.ts';
import { requireRoot } from '../lab/require-root.ts';
import { Stage } from '../lab/stage.ts';
import { assertWellFormed, type Sent, verify } from '../lab/verify.ts';
import { arbitraryTemplateMessages } from '../support/arbitrary-template-messages.ts';
import { ipfixMessage, set, u16 } from '../support/netflow-writer.ts';

const C4 = ['198.51.100.1', '198.51.100.2', '198.51.100.3'].map((host) => ({ host, port: 9995 }));
const C6 = ['2001:db8:c::a', '2001:db8:c::b'].map((host) => ({ host, port: 9996 }));
const RULES: RuleSetText = {
  rules: [
    { exporter: { host: '203.0.113.1' }, outputs: [C4.map((to, i) => ({ ...to, weight: i + 1 }))] },
    { exporter: { host: '2001:db8:e::1' }, outputs: [C6] },
    {
      exporter: { host: '203.0.113.2' },
      outputs: [
        { collectors: C6, balance: 'BY_ENDPOINT', templates: 'ALL' },
        { collectors: C4.slice(0, 2), templates: 'ONE' },
        C4.slice(2),
      ],
    },
    { exporter: { host: '203.0.113.4' }, outputs: [{ collectors: C4, balance: 'BY_EXPORTER' }] },
  ],
  defaultOutputs: [[...C4, ...C6]],
};
const EXPORTERS = [
  '203.0.113.1',
  '2001:db8:e::1',
  '203.0.113.2',
  '203.0.113.3',
  '2001:db8:e::3',
  '203.0.113.4',
];
const RUNS = 20;
/** Octets of a message with the templates, and of one of the proxy, which pads sets. */
const ANNOUNCED = 46;
const TOLD = 48;
/** Of one field, and of a scope and an option. */
const TEMPLATE = [256, 1, 8, 4].flatMap(u16);
const OPTIONS = [300, 2, 1, 149, 4, 34, 4].flatMap(u16);

describe('templates of balanced outputs', { skip: requireRoot() }, () => {
  let stage: Stage;
  before(async () => {
    stage = await Stage.start();
  });
  after(() => stage[Symbol.asyncDispose]());

  async function templateCounts() {
    const { forwarders } = await stage.api.status();
    const sum = (key: 'template_copies' | 'template_resends' | 'templates_unreadable') =>
      forwarders.reduce((all, forwarder) => all + Number(forwarder[key]), 0);
    const sent = forwarders.reduce((all, { forwarded }) => all + Number(forwarded.packets), 0);
    return {
      sent,
      copies: sum('template_copies'),
      resends: sum('template_resends'),
      unreadable: sum('templates_unreadable'),
    };
  }

  test('R23: any messages of IPv4 and IPv6 exporters: all collectors have all templates, and each flow is there once', async () => {
    await stage.api.replace(RULES);
    let port = 5000;
    await fc.assert(
      fc.asyncProperty(
        fc.tuple(...EXPORTERS.map(() => arbitraryTemplateMessages)),
        async (messages) => {
          const sent: Sent[] = messages.map((stream, i) => ({
            from: { host: EXPORTERS[i] ?? '', port },
            count: stream.length,
            payload: (k) => stream[k] ?? Buffer.of(),
          }));
          // So that nothing is known of them.
          port++;
          const shots = sent.flatMap(({ from, count, payload }) =>
            Array.from({ length: count }, (_, i) => ({ from, payload: payload(i) })),
          );
          const before = await templateCounts();
          const arrived = await stage.exchange(shots);
          assertWellFormed(arrived);
          verify(arrived, { ruleSet: RULES, sent });
          const after = await templateCounts();
          assert.equal(after.sent - before.sent, arrived.length, 'S2: all are counted');
          assert.equal(after.resends, 0, 'R24: nobody is told twice');
          const wanted = sent.reduce((sum, { from, count }) => sum + count * outputsOf(from), 0);
          assert.equal(after.copies - before.copies, arrived.length - wanted, 'R23: counted apart');
        },
      ),
      { numRuns: RUNS, endOnFailure: true },
    );
    assert.ok((await templateCounts()).unreadable > 0, 'R23: some could not be read');
  });

  for (const [family, host, collectors] of [
    ['IPv4', '203.0.113.9', C4],
    ['IPv4 to IPv6', '203.0.113.10', C6],
    ['IPv6', '2001:db8:e::9', C6],
  ] as const) {
    const from = { host, port: 7000 };
    const templates = [set(2, TEMPLATE), set(3, OPTIONS)];
    const send = async (sequence: number, sets: readonly (readonly number[])[]) => {
      const payload = Buffer.from(ipfixMessage(sets, { sequence, domain: 7 }));
      const arrived = await stage.exchange([{ from, payload }]);
      assertWellFormed(arrived);
      return arrived.map(({ destination, payload: { length } }) => `${destination} ${length}`);
    };
    const data = (sequence: number) => send(sequence, [set(256, [1, 2, 3, 4])]);
    const replace = (output: RuleSetText['rules'][0]['outputs'][0]) =>
      stage.api.replace({ rules: [{ exporter: { host }, outputs: [output] }] });

    test(`R24: ${family}: a collector that comes into an output knows the templates at once, and nobody is told twice`, async () => {
      const [first, second] = collectors as [typeof from, typeof from];
      await replace([first, { ...second, port: 7 }]);
      assert.deepEqual(
        (await send(0, templates)).sort(),
        [`${first.host} ${ANNOUNCED}`, `${second.host} ${ANNOUNCED}`].sort(),
      );
      await stage.api.update({ rules: [{ exporter: { host: '192.0.2.99' }, outputs: [[first]] }] });
      assert.equal((await data(0)).length, 1, 'another rule has nothing to do with it');
      const before = await templateCounts();
      await replace([first, second]);
      const arrived = [...(await data(1)), ...(await data(2))];
      assert.deepEqual(
        arrived.toSorted(),
        [`${first.host} 24`, `${second.host} 24`, `${second.host} ${TOLD}`].sort(),
      );
      const told = arrived.indexOf(`${second.host} ${TOLD}`);
      assert.ok(told < arrived.indexOf(`${second.host} 24`), 'before its data');
      assert.equal((await templateCounts()).resends - before.resends, 1, 'counted');
    });

    test(`R24: ${family}: an exporter that moves to another collector takes its templates along`, async () => {
      const output = { collectors: [...collectors], balance: 'BY_ENDPOINT' } as const;
      await replace(output);
      const [announced = ''] = await send(0, templates);
      const [home = ''] = announced.split(' ');
      assert.deepEqual(await data(0), [`${home} 24`], 'its own');
      const others = collectors.filter((collector) => collector.host !== home);
      // One that no packet reaches keeps it an output of several.
      const nobody = { host: home, port: 7 };
      await replace({ ...output, collectors: [...others, nobody].slice(0, 2) });
      const [moved = ''] = await data(1);
      const [next = ''] = moved.split(' ');
      assert.equal(moved, `${next} ${TOLD}`, 'the templates come first');
    });
  }
});

function outputsOf({ host }: Sent['from']): number {
  const rule = RULES.rules.find(({ exporter }) => exporter.host === host);
  return (rule?.outputs ?? RULES.defaultOutputs ?? []).length;
}
