import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { requireRoot } from '../lab/require-root.ts';
import { describeSenders } from '../lab/senders.ts';
import { HANG_MS, waitFor } from '../lab/shell.ts';
import { assertExact, assertNothingWrong } from './accounts.ts';
import { LoadStage } from './load-stage.ts';

const ONE_FORWARDER = { COLLECTOR_FLOXY_THREAD_COUNT: '1' };
const SMALLEST_BUFFER = '65536';
const LOG_INTERVAL_MS = 10_000;
const NOTICED_MS = 1500;

/** The lines of the log about one kind of loss. */
function lossLines(log: string, kind: string): { packets: number; total: number }[] {
  return log
    .split('\n')
    .filter((line) => line.includes('"packets lost"'))
    .map((line) => JSON.parse(line) as { kind: string; packets: string; total: string })
    .filter((line) => line.kind === kind)
    .map(({ packets, total }) => ({ packets: Number(packets), total: Number(total) }));
}

/** What the log says of a loss adds up to it, in at most a line for each ten seconds. */
async function assertLogged(
  stage: LoadStage,
  kind: string,
  total: number,
  sinceMs: number,
): Promise<void> {
  await stage.service.stop();
  const found = lossLines(stage.service.log, kind);
  assert.equal(
    found.reduce((sum, { packets }) => sum + packets, 0),
    total,
  );
  assert.equal(found.at(-1)?.total, total);
  const intervals = Math.ceil((performance.now() - sinceMs) / LOG_INTERVAL_MS) + 1;
  assert.ok(found.length <= intervals, `${found.length} lines in ${intervals} intervals`);
}

/** The link to the collectors takes so much, and queues what is more. */
async function shape(stage: LoadStage, rate: string, queue = '100mb'): Promise<void> {
  const shaper = ['tbf', 'rate', rate, 'burst', '32kb', 'limit', queue];
  const tc = ['tc', 'qdisc', 'replace', 'dev', 'col', 'root', ...shaper];
  await stage.lab.run(stage.lab.proxy, tc);
}

/** Runs something a number of times; after each, so many more packets come to the proxy. */
async function repeat(
  stage: LoadStage,
  times: number,
  packets: number,
  act: (turn: number) => Promise<void>,
) {
  for (let turn = 0; turn < times; turn++) {
    await act(turn);
    const before = await stage.come();
    const haveCome = async () => (await stage.come()) - before >= packets;
    await waitFor('packets come', haveCome, HANG_MS, 1);
  }
}

describeSenders('every packet has an end', ({ settings, assertUsed }) => {
  test('a forwarder that cannot keep up: offered = inputs + kernel drops, exactly', async () => {
    const since = performance.now();
    await using stage = await LoadStage.start({
      settings: {
        ...settings,
        ...ONE_FORWARDER,
        COLLECTOR_FLOXY_RECEIVE_BUFFER_BYTES: SMALLEST_BUFFER,
      },
      exporterMtu: 9_000,
      bufferBytes: 1_496,
      templates: 'ONE',
    });
    const [pid = 0] = await stage.service.forwarderPids();
    const generator = stage.start({
      sizes: [100, 400, 1400, 1497, 3000, 8000],
      packetsPerSecond: 0,
      hostile: { kinds: ['checksum', 'empty'], packetsPerSecond: 2_000 },
    });
    // What comes while it is stopped is more than the buffer holds.
    await repeat(stage, 6, 2_000, async (turn) => {
      process.kill(pid, turn % 2 === 0 ? 'SIGSTOP' : 'SIGCONT');
    });
    const sent = stage.add(await generator.stop());
    const settled = await stage.settle();
    assertExact(settled);
    assertNothingWrong(settled.arrived);
    const { kernelDrops, truncated } = settled.totals;
    assert.ok(kernelDrops > sent.hostile.checksum, `${kernelDrops} dropped`);
    assert.ok(truncated > 0);
    await assertLogged(stage, 'kernel drops', kernelDrops, since);
    await assertLogged(stage, 'truncated', truncated, since);
  });

  test('routes that come and go: copies = outputs + send errors + no eligible, exactly', async () => {
    const since = performance.now();
    await using stage = await LoadStage.start({ settings, templates: 'ONE' });
    const generator = stage.start({ sizes: [100, 400, 1400], packetsPerSecond: 5_000 });
    const route = (action: string, prefix: string, via: string) =>
      stage.lab.run(stage.lab.proxy, ['ip', 'route', action, prefix, 'via', via, 'dev', 'col']);
    await repeat(stage, 10, 400, async (turn) => {
      const action = turn % 2 === 0 ? 'delete' : 'add';
      await route(action, '192.0.2.0/24', '198.18.2.2');
      await route(action, '2001:db8:c::/48', 'fd00:2::2');
    });
    stage.add(await generator.stop());
    const settled = await stage.settle();
    assertExact(settled);
    assertNothingWrong(settled.arrived);
    const { missing, copiesMissing } = settled.arrived;
    assert.ok(missing > 0 && copiesMissing > 0, 'there was something to count');
    const { forwarders } = await stage.api.status();
    const codes = forwarders.flatMap(({ send_errors }) => send_errors.map(({ code }) => code));
    assert.deepEqual([...new Set(codes)], ['ENETUNREACH']);
    await assertUsed(stage.api);
    await assertLogged(stage, 'send error ENETUNREACH', settled.totals.sendErrors, since);
  });
});

describe('every packet has an end, over a slow link', { skip: requireRoot() }, () => {
  test('a full send buffer is waited for, and what it does not take in time is counted as EAGAIN', async () => {
    const settings = {
      ...ONE_FORWARDER,
      COLLECTOR_FLOXY_ENGINE: 'socket',
      COLLECTOR_FLOXY_SEND_BUFFER_BYTES: SMALLEST_BUFFER,
    };
    await using stage = await LoadStage.start({ settings });
    await shape(stage, '40mbit');
    const waited = stage.start({ sizes: [1400], packetsPerSecond: 0, packets: 4_000 });
    stage.add(await waited.finish());
    const { sendRetries, sendErrors } = (await stage.settle()).totals;
    assert.ok(sendRetries > 0, 'it waits');

    await shape(stage, '1mbit');
    const lost = stage.start({ sizes: [1400], packetsPerSecond: 0, packets: 2_000 });
    stage.add(await lost.finish());
    const hasErrors = async () => (await stage.totals()).sendErrors > sendErrors + 2_000;
    await waitFor('copies are given up', hasErrors);
    await shape(stage, '1gbit');
    const settled = await stage.settle();
    assertExact(settled);
    assertNothingWrong(settled.arrived);
    const { forwarders } = await stage.api.status();
    assert.deepEqual(
      forwarders[0]?.send_errors.map(({ code }) => code),
      ['EAGAIN'],
    );
    assert.equal(forwarders[0]?.restarts, '0', 'a forwarder that waits is not stuck');
  });
  test('from the kernel: what the queue of the link does not take is counted as ENOBUFS', async () => {
    await using stage = await LoadStage.start({
      settings: { COLLECTOR_FLOXY_ENGINE: 'kernel' },
      templates: 'ONE',
    });
    await shape(stage, '40mbit', '64kb');
    // That the link has a queue now is noticed within a second.
    await delay(NOTICED_MS);
    const generator = stage.start({ sizes: [1400], packetsPerSecond: 0, packets: 2_000 });
    stage.add(await generator.finish());
    await shape(stage, '1gbit');
    const settled = await stage.settle();
    assertExact(settled);
    assertNothingWrong(settled.arrived);
    assert.ok(settled.totals.sendErrors > 0, 'there was something to count');
    const { forwarders } = await stage.api.status();
    const codes = forwarders.flatMap(({ send_errors }) => send_errors.map(({ code }) => code));
    assert.deepEqual([...new Set(codes)], ['ENOBUFS']);
  });
});
