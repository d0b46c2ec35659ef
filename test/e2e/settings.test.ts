import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Api } from '../lab/api.ts';
import { Lab, PROXY_V4, PROXY_V6 } from '../lab/lab.ts';
import { numberedPayload } from '../lab/numbered.ts';
import { requireRoot } from '../lab/require-root.ts';
import { floxy, Service } from '../lab/service.ts';
import { attempt, HANG_MS } from '../lab/shell.ts';
import { Stage } from '../lab/stage.ts';

const C1 = { host: '198.51.100.1', port: 9995 };
const C6 = { host: '2001:db8:c::1', port: 9995 };

describe('settings', { skip: requireRoot() }, () => {
  for (const count of [1, 3]) {
    test(`COLLECTOR_FLOXY_THREAD_COUNT=${count} runs so many forwarders, which share the exporters`, async () => {
      await using stage = await Stage.start({
        settings: { COLLECTOR_FLOXY_THREAD_COUNT: String(count), COLLECTOR_FLOXY_ENGINE: 'socket' },
      });
      await stage.api.replace({ rules: [], defaultOutputs: [[C1]] });
      const payload = Buffer.from('spread');
      const shots = Array.from({ length: 100 }, (_, i) => ({
        from: { host: `203.0.113.${i + 1}`, port: 3000 + i },
        payload,
      }));
      assert.equal((await stage.exchange(shots)).length, 100);
      const { forwarders } = await stage.api.status();
      assert.equal(forwarders.length, count);
      assert.deepEqual(
        forwarders.map(({ index }) => index),
        [...Array(count).keys()],
      );
      for (const { received } of forwarders) assert.ok(Number(received.packets) > 0);
      assert.equal((await stage.service.forwarderPids()).length, count);
      await stage.service.stop();
    });
  }

  test('COLLECTOR_FLOXY_THREAD_COUNT defaults to the cores that the service may use', async () => {
    await using lab = await Lab.create();
    const settings = { COLLECTOR_FLOXY_THREAD_COUNT: '' };
    await using service = await Service.start(lab, { settings, prefix: ['taskset', '-c', '0'] });
    assert.equal((await service.forwarderPids()).length, 1);
  });

  test('COLLECTOR_FLOXY_PACKET_BUFFER_SIZE=9216 takes jumbo payloads whole', async () => {
    await using stage = await Stage.start({
      exporterMtu: 9500,
      settings: { COLLECTOR_FLOXY_PACKET_BUFFER_SIZE: '9216' },
    });
    await stage.api.replace({ rules: [], defaultOutputs: [[C1], [C6]] });
    const payload = numberedPayload(1, 1, 9216);
    const arrived = await stage.exchange([{ from: { host: '203.0.113.1', port: 1 }, payload }]);
    assert.deepEqual(
      arrived.map((datagram) => datagram.payload),
      [payload, payload],
    );
  });

  for (const [address, host, from] of [
    [`${PROXY_V4}:4739`, PROXY_V4, '203.0.113.1'],
    [`[${PROXY_V6}]:4739`, PROXY_V6, '2001:db8:e::1'],
    ['0.0.0.0:4739', PROXY_V4, '203.0.113.1'],
  ] as const) {
    test(`R5: COLLECTOR_FLOXY_ADDRESS=${address} receives there; collectors without port get that port`, async () => {
      await using stage = await Stage.start({ settings: { COLLECTOR_FLOXY_ADDRESS: address } });
      await stage.api.replace({ rules: [], defaultOutputs: [[{ host: C6.host }]] });
      const payload = Buffer.from('here');
      const arrived = await stage.exchange([
        { from: { host: from, port: 1 }, to: { host, port: 4739 }, payload },
      ]);
      assert.deepEqual(
        arrived.map(({ destinationPort }) => destinationPort),
        [4739],
      );
    });
  }

  test('the API is reached from outside only where COLLECTOR_API_ADDRESS opens it', async () => {
    await using lab = await Lab.create();
    const fromOutside = async (
      settings: Record<`COLLECTOR_${string}`, string>,
      target: string,
      deadlineMs = HANG_MS,
    ) => {
      await using service = await Service.start(lab, { settings });
      await using api = await Api.start(lab.exporters, target);
      const outcome = await api.status(deadlineMs).then(
        ({ proxy }) => proxy.state,
        () => 'unreachable',
      );
      await service.stop();
      return outcome;
    };
    assert.equal(await fromOutside({}, `${PROXY_V4}:8853`, 1_000), 'unreachable');
    const open = (address: string) => ({
      COLLECTOR_API_ADDRESS: address,
      COLLECTOR_API_PLAINTEXT_BEYOND_LOOPBACK: 'allow',
    });
    assert.equal(await fromOutside(open('0.0.0.0'), `${PROXY_V4}:8853`), 'OK');
    assert.equal(await fromOutside(open('[::]'), `[${PROXY_V6}]:8853`), 'OK');
  });

  test('bad settings end the service with status 2 and name every variable, its value and what is allowed', async () => {
    const settings = {
      COLLECTOR_FLOXY_ADDRESS: 'router.example:2055',
      COLLECTOR_FLOXY_PACKET_BUFFER_SIZE: '1495',
      COLLECTOR_FLOXY_THREAD_COUNT: 'many',
      COLLECTOR_LOG_LEVEL: 'loud',
    };
    const words = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
    const { status, stdout, stderr } = await attempt(['env', ...words, floxy, 'serve']);
    assert.equal(status, 2);
    for (const [name, value] of Object.entries(settings)) {
      const line = `${stdout}${stderr}`.split('\n').find((text) => text.includes(name));
      assert.ok(line?.includes(value), `${name} and ${value} in:\n${stdout}${stderr}`);
    }
  });
});
