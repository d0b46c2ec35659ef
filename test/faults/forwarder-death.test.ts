import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { requireRoot } from '../lab/require-root.ts';
import { isAlive, waitFor } from '../lab/shell.ts';
import { Stage } from '../lab/stage.ts';
import { endSteadyTraffic, STEADY_RULES, startSteadyTraffic } from '../lab/steady-traffic.ts';
import { tellTime } from '../lab/times.ts';

/** What a forwarder takes at once, and so what it can take with it. */
const BATCH = 64;
const REPLACEMENT_LIMIT_MS = 1_000;

/** Kills a forwarder and waits until its successor works. */
async function killForwarder(stage: Stage, index: number): Promise<void> {
  const pidOf = async () => (await stage.api.status()).forwarders[index]?.pid;
  const pid = await pidOf();
  assert.ok(pid);
  process.kill(pid, 'SIGKILL');
  const isReplaced = async () => {
    const { proxy, forwarders } = await stage.api.status();
    const now = forwarders[index]?.pid;
    return proxy.state === 'OK' && now !== undefined && now !== pid;
  };
  const start = performance.now();
  await waitFor('a new forwarder works', isReplaced);
  tellTime('a forwarder is replaced', performance.now() - start, REPLACEMENT_LIMIT_MS);
  assert.ok(!isAlive(pid));
}

describe('a forwarder that dies', { skip: requireRoot() }, () => {
  test('S6: kill -9 under traffic costs at most the batch in flight, and a new one serves', async () => {
    await using stage = await Stage.start();
    await stage.api.replace(STEADY_RULES);
    await startSteadyTraffic(stage);
    const deaths = [0, 1, 0, 1];
    for (const index of deaths) await killForwarder(stage, index);
    const { sent, arrived } = await endSteadyTraffic(stage, deaths.length * BATCH);

    const { rules, default_outputs, mismatched } = await stage.api.statistics();
    const outputs = [...rules.flatMap((rule) => rule.outputs), ...default_outputs];
    const forwarded = outputs.flatMap(({ collectors }) => collectors);
    const sum = (counters: { packets: string }[]) =>
      counters.reduce((total, { packets }) => total + Number(packets), 0);
    const counted = sum(forwarded.map(({ output }) => output));
    assert.ok(
      Math.abs(counted - arrived) <= deaths.length * BATCH,
      `${counted} counted, ${arrived} arrived`,
    );
    const input = sum([...rules.map(({ exporter }) => exporter.input), mismatched]);
    assert.ok(Math.abs(input - sent) <= deaths.length * BATCH, `${input} counted, ${sent} sent`);
    const { forwarders } = await stage.api.status();
    assert.deepEqual(
      forwarders.map(({ restarts }) => restarts),
      ['2', '2'],
    );
  });

  test('a new forwarder works by the rules in force, not by those its predecessor started with', async () => {
    await using stage = await Stage.start({ settings: { COLLECTOR_FLOXY_THREAD_COUNT: '1' } });
    for (const port of [9_001, 9_002, 9_003]) {
      await stage.api.replace({ rules: [], defaultOutputs: [[{ host: '198.51.100.1', port }]] });
      await killForwarder(stage, 0);
      const from = { host: '203.0.113.1', port };
      const arrived = await stage.exchange([{ from, payload: Buffer.from('after death') }]);
      assert.deepEqual(
        arrived.map(({ destinationPort }) => destinationPort),
        [port],
      );
    }
  });

  test('S25: a stopped forwarder is found, killed and replaced: its start is new, that of counters is not', async () => {
    await using stage = await Stage.start({ settings: { COLLECTOR_FLOXY_THREAD_COUNT: '1' } });
    await stage.api.replace(STEADY_RULES);
    const [pid] = await stage.service.forwarderPids();
    assert.ok(pid);
    const first = await stage.api.status();
    process.kill(pid, 'SIGSTOP');
    await startSteadyTraffic(stage, 500);
    const isReplaced = async () => (await stage.service.forwarderPids())[0] !== pid;
    await waitFor('a new forwarder runs', isReplaced);
    await endSteadyTraffic(stage, BATCH);
    const later = await stage.api.status();
    const started = ({ forwarders }: typeof first) => Date.parse(forwarders[0]?.started_at ?? '');
    assert.ok(started(later) > started(first));
    assert.equal(later.counters_since, first.counters_since);
  });

  test('forwarders that keep dying make the proxy Offline, and the error says so', async () => {
    await using stage = await Stage.start({ settings: { COLLECTOR_FLOXY_THREAD_COUNT: '1' } });
    let lastPid = 0;
    const state = await waitFor('the proxy is Offline', async () => {
      const { proxy, forwarders } = await stage.api.status();
      const pid = forwarders[0]?.pid;
      if (pid !== undefined && pid !== lastPid && isAlive(pid)) process.kill(pid, 'SIGKILL');
      lastPid = pid ?? lastPid;
      return proxy.state === 'Offline' && proxy;
    });
    assert.match(state.error ?? '', /forwarder/);
    await stage.service.waitForState('OK');
  });
});
