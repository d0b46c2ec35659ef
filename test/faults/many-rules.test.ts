import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { RuleSetText } from '../lab/reference.ts';
import { requireRoot } from '../lab/require-root.ts';
import { Service } from '../lab/service.ts';
import { HANG_MS } from '../lab/shell.ts';
import { Stage } from '../lab/stage.ts';
import { endSteadyTraffic, STEADY_RULES, startSteadyTraffic } from '../lab/steady-traffic.ts';
import { tellTime } from '../lab/times.ts';

/** The steady rules, and others up to so many, half of them IPv6. */
function manyRules(count: number): RuleSetText {
  const others = Array.from({ length: count - STEADY_RULES.rules.length }, (_, i) => {
    const low = `${((i >> 16) + 1).toString(16)}:${(i & 0xffff).toString(16)}`;
    const v4 = `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`;
    const exporter = { host: i % 2 === 0 ? v4 : `2001:db8:ffff::${low}` };
    return {
      exporter,
      outputs: [[{ host: `2001:db8:c::${low}`, port: 9 }, { host: '2001:db8:c::8' }]],
    };
  });
  return { ...STEADY_RULES, rules: [...others, ...STEADY_RULES.rules] };
}

describe('many rules under traffic', { skip: requireRoot() }, () => {
  let stage: Stage;
  before(async () => {
    stage = await Stage.start();
    await stage.api.replace(STEADY_RULES);
  });
  after(() => stage[Symbol.asyncDispose]());

  test('10,000 rules are put in force, and not a packet is lost', async () => {
    await startSteadyTraffic(stage);
    const { tookMs } = await stage.api.replace(manyRules(10_000), HANG_MS);
    await endSteadyTraffic(stage);
    tellTime('10,000 rules are in force', tookMs, 2_000);
    assert.equal((await stage.api.rules()).rules.length, 10_000);
  });

  test('V6: 100,000 rules are taken, changed one by one, restored and deleted, and not a packet is lost', async () => {
    await startSteadyTraffic(stage);
    await stage.api.replace(manyRules(100_000), HANG_MS);
    const exporter = { host: '192.0.2.200' };
    await stage.api.update({ rules: [{ exporter, outputs: [] }] });
    await stage.api.delete(exporter);
    await endSteadyTraffic(stage);
    assert.equal((await stage.api.rules()).rules.length, 100_000);
    await stage.service.stop();
    await using service = await Service.start(stage.lab, { folder: stage.service.folder });
    assert.equal((await service.api.rules()).rules.length, 100_000);
    const found = await service.api.statistics({ host: '10.0.4.0' });
    assert.equal(found.rules.length, 1);
  });
});
