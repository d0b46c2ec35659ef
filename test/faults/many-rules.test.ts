import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { packageRoot } from '../../src/package-root.ts';
import type { RuleSetText } from '../lab/reference.ts';
import { requireRoot } from '../lab/require-root.ts';
import { Service } from '../lab/service.ts';
import { attempt, HANG_MS } from '../lab/shell.ts';
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

/** Tells at its end how much memory a program took at most, in KiB, on standard error. */
const TELLS_MEMORY =
  'data:text/javascript,process.on("exit",()=>process.stderr.write(String(process.resourceUsage().maxRSS)))';
const MAX_KIB = 200 * 1024;

/** Runs a command as a user does, and says what it took. */
async function list(stage: Stage, ...args: string[]): Promise<{ text: string; ms: number }> {
  const node = [path.join(packageRoot, 'bin/floxy-node'), '--import', TELLS_MEMORY];
  const command = [...node, path.join(packageRoot, 'dist/main.js'), ...args];
  const start = performance.now();
  const found = await attempt(['ip', 'netns', 'exec', stage.lab.proxy, ...command]);
  const ms = performance.now() - start;
  assert.equal(found.status, 0, found.stderr);
  assert.ok(Number(found.stderr) < MAX_KIB, `${found.stderr} KiB`);
  return { text: found.stdout, ms };
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

  test('S22: 100,000 rules and their statistics are listed whole, in little memory', async () => {
    const numbers = Array.from({ length: 100_000 }, (_, i) => i);
    const tail = (i: number) => `${i >> 16}.${(i >> 8) & 255}.${i & 255}`;
    const rules = numbers.map((i) => ({
      exporter: { host: `10.${tail(i)}` },
      outputs: [[{ host: `192.88.${i & 255}.${1 + ((i >> 8) & 63)}`, port: 9995 }]],
    }));
    await stage.api.replace({ rules, defaultOutputs: [] }, HANG_MS);
    for (const args of [['rules', 'list'], ['stats']]) {
      const { text, ms } = await list(stage, ...args);
      tellTime(`100,000 rules: floxy ${args.join(' ')}`, ms, 1000);
      const hosts = new Set(text.match(/host: "10\.[\d.]+"/g));
      assert.equal(hosts.size, 100_000);
      assert.equal(text.match(/^rules: \{$/gm)?.length, 100_000);
    }
  });

  test('V6: 100,000 rules are taken, changed one by one, restored and deleted, and not a packet is lost', async () => {
    await stage.api.replace(STEADY_RULES);
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
