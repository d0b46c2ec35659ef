/** What the API tells monitoring of itself. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { waitFor } from '../lab/shell.ts';
import { startApi, TestClient } from './harness.ts';

test('S30: calls are counted by method and status, and connections while they are open', async () => {
  await using api = await startApi();
  const count = (method: string, code: string) => {
    const { calls } = api.server.figures();
    return calls.find((one) => one.method === `collector.proto.${method}` && one.code === code);
  };
  assert.equal(count('Settings/GetBuildInfo', 'OK')?.calls, 0);
  {
    using client = new TestClient(api.address);
    await client.ask('GetBuildInfo');
    await client.ask('GetBuildInfo');
    const wrong = { 'collector-address-format': 'hex' };
    assert.ok((await client.call('ListProxyRules', {}, wrong)).error);
    const { connections, accepted } = api.server.figures();
    assert.deepEqual([connections, accepted], [1, 1]);
  }
  assert.equal(count('Settings/GetBuildInfo', 'OK')?.calls, 2);
  assert.ok((count('Settings/GetBuildInfo', 'OK')?.seconds ?? 0) > 0);
  assert.equal(count('Settings/ListProxyRules', 'INVALID_ARGUMENT')?.calls, 1);
  assert.equal(count('Settings/ListProxyRules', 'OK')?.calls, 0);
  await waitFor('the connection is gone', () => api.server.figures().connections === 0);
  assert.equal(api.server.figures().accepted, 1);
});

test('S30: a call whose client has gone is CANCELLED', async () => {
  await using api = await startApi();
  using client = new TestClient(api.address);
  const path = '/collector.proto.Settings/WatchProxyRules';
  const call = client.client.makeServerStreamRequest(
    path,
    () => Buffer.alloc(0),
    (bytes) => bytes,
    {},
  );
  call.on('error', () => undefined);
  await new Promise((resolve) => call.once('data', resolve));
  call.cancel();
  await waitFor('it is counted', () =>
    api.server
      .figures()
      .calls.some(({ method, code }) => path.endsWith(method) && code === 'CANCELLED'),
  );
});
