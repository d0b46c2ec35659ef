/** Test datagrams through the program in the kernel: packets are handled there only while what it handles arrives. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { requireRoot } from '../lab/require-root.ts';
import { waitFor } from '../lab/shell.ts';
import { Stage } from '../lab/stage.ts';

const KERNEL = { COLLECTOR_FLOXY_ENGINE: 'kernel', COLLECTOR_FLOXY_PROBE_INTERVAL_MS: '100' };
const RULES = {
  rules: [],
  defaultOutputs: [[{ host: '198.51.100.10', port: 9995 }]],
};
const FROM = { host: '203.0.113.10', port: 41_000 };

const nft = (stage: Stage, command: string) =>
  stage.lab.run(stage.lab.proxy, ['nft', ...command.split(' ')]);

/** A firewall that drops what comes from where no exporter is. */
const drop = (match: string) =>
  `table inet floxy_test { chain input { type filter hook input priority 0; iif lo ${match} drop; }; }`;

async function engineOf(stage: Stage) {
  const { kernel_engine: engine } = await stage.api.status();
  assert.ok(engine !== undefined, stage.service.log);
  return engine;
}

const awaitProblem = (stage: Stage, problem: RegExp) =>
  waitFor('the problem is told', async () => problem.test((await engineOf(stage)).problem ?? ''));

const awaitNoProblem = (stage: Stage) =>
  waitFor('there is no problem', async () => (await engineOf(stage)).problem === undefined);

async function exchange(stage: Stage): Promise<number> {
  return (await stage.exchange([{ from: FROM, payload: Buffer.from('flow') }])).length;
}

const inLog = (stage: Stage, text: string) =>
  stage.service.log.split('\n').filter((line) => line.includes(text)).length;

describe('test datagrams through the program in the kernel', { skip: requireRoot() }, () => {
  for (const [family, source] of [
    ['IPv4', '64:ff9b::/96'],
    ['IPv6', '100::/64'],
  ] as const) {
    test(`R31: when copies of ${family} packets do not arrive, sockets get all; then it handles them again`, async () => {
      await using stage = await Stage.start({ settings: KERNEL });
      await stage.api.replace(RULES);
      await awaitNoProblem(stage);
      await nft(stage, drop(`ip6 saddr ${source}`));
      await awaitProblem(stage, /do not arrive, although it has handled them: a firewall/);
      const { handled } = await engineOf(stage);
      assert.equal(await exchange(stage), 1);
      const after = await engineOf(stage);
      assert.equal(after.handled.packets, handled.packets);
      assert.equal((await stage.api.status()).proxy.state, 'OK', 'nothing is lost');
      await nft(stage, 'delete table inet floxy_test');
      await awaitNoProblem(stage);
      assert.equal(inLog(stage, 'packets are not handled in the kernel: copies of its'), 1);
      assert.equal(inLog(stage, 'packets are handled in the kernel, at'), 2);
    });
  }

  test('R31: a program that fails from the beginning handles nothing', async () => {
    await using stage = await Stage.start({
      settings: KERNEL,
      prepare: `nft '${drop('ip6 saddr 64:ff9b::/96')}'`,
    });
    await stage.api.replace(RULES);
    await awaitProblem(stage, /do not arrive/);
    assert.equal(await exchange(stage), 1);
    assert.equal((await engineOf(stage)).handled.packets, '0');
    assert.equal(inLog(stage, 'packets are handled in the kernel, at'), 0);
  });

  test('R31: what drops other datagrams by the same way, too, says nothing of the program', async () => {
    await using stage = await Stage.start({ settings: KERNEL });
    await stage.api.replace(RULES);
    await awaitNoProblem(stage);
    await nft(stage, drop('ip6 daddr ::1'));
    const told = inLog(stage, 'packets are');
    for (let i = 0; i < 10; i++) {
      assert.equal(await exchange(stage), 1);
      assert.equal((await engineOf(stage)).problem, undefined);
    }
    assert.equal(inLog(stage, 'packets are'), told);
  });

  test('R31: without ::1 it is not tested, and handles packets all the same', async () => {
    await using stage = await Stage.start({
      settings: KERNEL,
      prepare: 'sysctl -qw net.ipv6.conf.lo.disable_ipv6=1 net.ipv6.ip_nonlocal_bind=0',
    });
    await stage.api.replace(RULES);
    await awaitNoProblem(stage);
    assert.equal(inLog(stage, 'the engine in the kernel is not tested'), 1);
  });

  test('R31: test datagrams are in no statistics', async () => {
    await using stage = await Stage.start({ settings: KERNEL });
    await stage.api.replace(RULES);
    await awaitNoProblem(stage);
    assert.equal(await exchange(stage), 1);
    await sleep(1000);
    const { rules, mismatched } = await stage.api.statistics();
    const { forwarders } = await stage.api.status();
    const sum = (counts: readonly string[]) => counts.reduce((all, one) => all + Number(one), 0);
    assert.deepEqual(rules, []);
    assert.equal(Number(mismatched.packets), sum(forwarders.map((one) => one.received.packets)));
    assert.equal(Number(mismatched.packets), sum(forwarders.map((one) => one.forwarded.packets)));
    const { handled, up } = await engineOf(stage);
    const ups = sum(up.map(({ packets }) => packets));
    assert.ok(Number(handled.packets) + ups < 10, 'as few as were sent');
  });
});
