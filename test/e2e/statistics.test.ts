import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { ApiFailure, CountersMessage, OutputStatsMessage } from '../lab/api.ts';
import { GRPC } from '../lab/api.ts';
import { requireRoot } from '../lab/require-root.ts';
import { waitFor } from '../lab/shell.ts';
import { Stage } from '../lab/stage.ts';

const E1 = { host: '203.0.113.21' };
const E2 = { host: '203.0.113.22' };
const E6 = { host: '2001:db8:e::21' };
const C1 = { host: '198.51.100.21', port: 9995 };
const C2 = { host: '198.51.100.22', port: 9995 };
const C6 = { host: '2001:db8:c::21', port: 9995 };
const NOWHERE = { host: '192.88.99.1', port: 9995 };
const BYTES = 100;
const ZERO = { packets: '0', bytes: '0' };

const counted = (packets: number): CountersMessage => ({
  packets: String(packets),
  bytes: String(packets * BYTES),
});

const outputs = (list: readonly OutputStatsMessage[]) =>
  list.map(({ collectors }) => collectors.map(({ output }) => output));

describe('statistics', { skip: requireRoot() }, () => {
  let stage: Stage;
  let mismatchedBefore = 0;
  before(async () => {
    stage = await Stage.start();
  });
  beforeEach(async () => {
    await stage.api.replace({ rules: [] });
    mismatchedBefore = Number((await stage.api.statistics()).mismatched.packets);
  });
  after(() => stage[Symbol.asyncDispose]());

  async function send(from: { host: string }, count: number) {
    const payload = Buffer.alloc(BYTES, 'x');
    return stage.exchange(
      Array.from({ length: count }, () => ({ from: { ...from, port: 30_000 }, payload })),
    );
  }

  async function mismatched(...exporters: { host: string }[]): Promise<number> {
    const { mismatched } = await stage.api.statistics(...exporters);
    return Number(mismatched.packets) - mismatchedBefore;
  }

  test('S1: input counts what came from the exporter, also when the rule has no outputs', async () => {
    await stage.api.replace({
      rules: [
        { exporter: E1, outputs: [[C1]] },
        { exporter: E2, outputs: [] },
      ],
    });
    await send(E1, 3);
    assert.deepEqual(await send(E2, 5), []);
    const { rules } = await stage.api.statistics();
    assert.deepEqual(
      rules.map(({ exporter }) => exporter.input),
      [counted(3), counted(5)],
    );
    assert.deepEqual(
      rules.map((rule) => outputs(rule.outputs)),
      [[[counted(3)]], []],
    );
  });

  test('S1: what the rule with the port took is not in the rule with the address alone', async () => {
    const exporters = [E1, { ...E1, port: 30_000 }];
    await stage.api.replace({ rules: exporters.map((exporter) => ({ exporter, outputs: [] })) });
    await send(E1, 2);
    const { rules } = await stage.api.statistics();
    assert.deepEqual(
      rules.map(({ exporter }) => exporter.input),
      [ZERO, counted(2)],
    );
  });

  test('S2: output counts what the kernel took, not what it refused, and refusals are counted by error', async () => {
    await stage.api.replace({ rules: [{ exporter: E1, outputs: [[C1, NOWHERE], [C2]] }] });
    const arrived = await send(E1, 10);
    const { rules } = await stage.api.statistics();
    assert.deepEqual(outputs(rules[0]?.outputs ?? []), [[counted(5), ZERO], [counted(10)]]);
    assert.equal(arrived.length, 15);
    const { forwarders } = await stage.api.status();
    const errors = forwarders.flatMap(({ send_errors }) => send_errors);
    assert.deepEqual(errors, [{ code: 'ENETUNREACH', count: '5' }]);
  });

  test('S3: mismatched counts what no rule matched; for some rules, also what other rules took', async () => {
    await stage.api.replace({
      rules: [
        { exporter: E1, outputs: [] },
        { exporter: E2, outputs: [] },
      ],
      defaultOutputs: [[C1]],
    });
    await send(E1, 1);
    await send(E2, 2);
    await send({ host: '203.0.113.99' }, 4);
    assert.equal(await mismatched(), 4);
    assert.equal(await mismatched(E1), 4 + 2);
    assert.equal(await mismatched(E2, E1), 4);
  });

  test('S4: default outputs are told only when all rules are asked for; IPv4 collectors can show less', async () => {
    await stage.api.replace({
      rules: [{ exporter: E1, outputs: [] }],
      defaultOutputs: [[C1], [C6], [C1, C6]],
    });
    await send(E2, 4);
    await send(E6, 2);
    const all = await stage.api.statistics();
    assert.deepEqual(outputs(all.default_outputs), [
      [counted(4)],
      [counted(6)],
      [counted(2), counted(4)],
    ]);
    assert.deepEqual((await stage.api.statistics(E1)).default_outputs, []);
  });

  test('S5: counters of what is in the old and the new rules are kept, new ones and returned ones start at 0', async () => {
    const rule = { exporter: E1, outputs: [[C1], [C2]] };
    await stage.api.replace({ rules: [rule] });
    await send(E1, 2);
    await stage.api.update({ rules: [{ exporter: E1, outputs: [[C6], [C1]] }] });
    await send(E1, 1);
    const [changed] = (await stage.api.statistics()).rules;
    assert.deepEqual(changed?.exporter.input, counted(3));
    assert.deepEqual(outputs(changed?.outputs ?? []), [[counted(1)], [counted(3)]]);
    await stage.api.delete(E1);
    await stage.api.update({ rules: [rule] });
    const [returned] = (await stage.api.statistics()).rules;
    assert.deepEqual(returned?.exporter.input, ZERO);
    assert.deepEqual(outputs(returned?.outputs ?? []), [[ZERO], [ZERO]]);
  });

  test('S6: counters survive the death of a forwarder', async () => {
    await stage.api.replace({ rules: [{ exporter: E1, outputs: [[C1]] }] });
    await send(E1, 7);
    const pids = await stage.service.forwarderPids();
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    await waitFor('new forwarders run', async () => {
      const now = await stage.service.forwarderPids();
      return now.length === pids.length && now.every((pid) => !pids.includes(pid));
    });
    const [rule] = (await stage.api.statistics()).rules;
    assert.deepEqual(
      [rule?.exporter.input, ...outputs(rule?.outputs ?? [])],
      [counted(7), [counted(7)]],
    );
    await send(E1, 2);
    const [later] = (await stage.api.statistics()).rules;
    assert.deepEqual(later?.exporter.input, counted(9));
    const { forwarders } = await stage.api.status();
    assert.deepEqual(
      forwarders.map(({ restarts }) => restarts),
      ['1', '1'],
    );
  });

  test('A5: statistics of an exporter without rule are NOT_FOUND, which names it', async () => {
    await assert.rejects(stage.api.statistics({ host: '203.0.113.77' }), (error: ApiFailure) => {
      assert.equal(error.code, GRPC.NOT_FOUND);
      assert.match(error.details, /203\.0\.113\.77/);
      return true;
    });
  });

  test('the sums add up: every packet is forwarded, dropped by rule, or in a named loss counter', async () => {
    const before = await totals(stage);
    await stage.api.replace({
      rules: [
        { exporter: E1, outputs: [[C1], [NOWHERE]] },
        { exporter: E2, outputs: [] },
      ],
      defaultOutputs: [[C1], [C6]],
    });
    await send(E1, 5);
    await send(E2, 6);
    await send(E6, 7);
    const after = await totals(stage);
    const grown = after.map((value, i) => value - (before[i] ?? 0));
    const [received, forwarded, dropped, ineligible, failed] = grown;
    assert.deepEqual(
      { received, forwarded, dropped, ineligible, failed },
      {
        received: 18,
        forwarded: 5 + 7,
        dropped: 6,
        ineligible: 7,
        failed: 5,
      },
    );
  });
});

async function totals(stage: Stage): Promise<number[]> {
  const { forwarders } = await stage.api.status();
  const sum = (value: (forwarder: (typeof forwarders)[0]) => number) =>
    forwarders.reduce((total, forwarder) => total + value(forwarder), 0);
  return [
    sum(({ received }) => Number(received.packets)),
    sum(({ forwarded }) => Number(forwarded.packets)),
    sum(({ dropped_by_rule }) => Number(dropped_by_rule)),
    sum(({ no_eligible_collector }) => Number(no_eligible_collector)),
    sum(({ send_errors }) => send_errors.reduce((total, { count }) => total + Number(count), 0)),
  ];
}
