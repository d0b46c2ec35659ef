import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type FakeApi, type Reply, startFakeApi } from '../../test/cli/fake-api.ts';
import { runFloxy } from '../../test/cli/fake-terminal.ts';

/** An API whose forwarders have received one of these numbers more at each look; the last one for ever. */
function startApi(growth: readonly number[]): Promise<FakeApi> {
  let looks = 0;
  let packets = 1_000;
  return startFakeApi(({ method }): Reply => {
    if (method !== 'GetSystemStatus') return { answer: {} };
    packets += growth[Math.min(looks++, growth.length - 1)] ?? 0;
    const received = { packets: String(packets), bytes: '0' };
    return { answer: { forwarders: [{ received }, {}] } };
  });
}

function drain(api: FakeApi, ...args: readonly string[]) {
  return runFloxy(['drain', '--api', `127.0.0.1:${api.port}`, ...args]);
}

test('drain asks for it, waits until no more packets come, and tells how many did', async () => {
  await using api = await startApi([0, 5, 7, 0]);
  const run = await drain(api);
  assert.deepEqual([run.exitCode, run.errors], [0, '']);
  assert.match(run.output, /^drained after \d+\.\d s, 12 packets forwarded since\n$/);
  assert.deepEqual([api.calls[0]?.method, api.calls[0]?.request], ['Drain', {}]);
});

test('drain fails when packets still come after the limit, and says what that means', async () => {
  await using api = await startApi([3]);
  const run = await drain(api, '--limit', '0.6');
  assert.equal(run.exitCode, 1);
  assert.match(run.errors, /packets still come after \d\.\d s, \d+ since.*announcer.*--cancel/);
  assert.equal(api.calls.filter(({ method }) => method === 'Drain').length, 1);
});

test('drain --cancel ends it and waits for nothing', async () => {
  await using api = await startApi([1]);
  assert.deepEqual(await drain(api, '--cancel'), { exitCode: 0, output: '', errors: '' });
  assert.deepEqual(
    api.calls.map(({ method, request }) => [method, request]),
    [['Drain', { cancel: true }]],
  );
});

test('drain that is interrupted says in which state it leaves the node', async () => {
  await using api = await startApi([1]);
  const args = ['drain', '--api', `127.0.0.1:${api.port}`];
  const run = await runFloxy(args, { interruptAfterMs: 300 });
  assert.equal(run.exitCode, 130);
  assert.match(run.errors, /the node goes on draining: health says NOT_SERVING.*drain --cancel/);
});

test('drain refuses a limit that is no number of seconds', async () => {
  for (const limit of ['0', '-1', 'soon', '86401']) {
    const run = await runFloxy(['drain', `--limit=${limit}`]);
    assert.equal(run.exitCode, 2, limit);
    assert.match(run.errors, /Give seconds, above 0 and up to 86400/);
  }
});
