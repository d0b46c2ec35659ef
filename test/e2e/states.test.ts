import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { COLLECTOR_HOST_V4, Lab, PROXY_V4 } from '../lab/lab.ts';
import { requireRoot } from '../lab/require-root.ts';
import { Service, type ServiceOptions } from '../lab/service.ts';
import { waitFor } from '../lab/shell.ts';
import { Stage } from '../lab/stage.ts';
import { UdpSockets } from '../lab/traffic.ts';

const RULES = {
  rules: [{ exporter: { host: '203.0.113.1' }, outputs: [[{ host: '198.51.100.1', port: 9995 }]] }],
};

/** Starts a service that cannot receive flow; its API has to work all the same. Returns the error told. */
async function offlineError(lab: Lab, options: ServiceOptions): Promise<string> {
  await using service = await Service.start(lab, { ...options, state: 'Offline' });
  const { proxy } = await service.api.status();
  await service.api.replace(RULES);
  assert.equal((await service.api.rules()).rules.length, 1);
  await service.stop();
  return proxy.error ?? '';
}

describe('states', { skip: requireRoot() }, () => {
  test('Offline: the address is not set; API and rules work, and the log says that the proxy is off', async () => {
    await using lab = await Lab.create();
    await using service = await Service.start(lab, {
      settings: { COLLECTOR_FLOXY_ADDRESS: '' },
      state: 'Offline',
    });
    const { proxy, forwarders } = await service.api.status();
    assert.match(proxy.error ?? '', /COLLECTOR_FLOXY_ADDRESS/);
    assert.deepEqual(forwarders, []);
    await service.api.replace(RULES);
    assert.equal((await service.api.rules()).rules.length, 1);
    assert.match(service.log, /proxy is off/);
    await service.stop();
  });

  test('Offline: the address is no address of this host', async () => {
    await using lab = await Lab.create();
    const settings = { COLLECTOR_FLOXY_ADDRESS: `${COLLECTOR_HOST_V4}:2055` };
    const error = await offlineError(lab, { settings });
    assert.match(error, new RegExp(COLLECTOR_HOST_V4.replaceAll('.', '\\.')));
  });

  test('Offline: no permission for raw sockets; the error says what to do', async () => {
    await using lab = await Lab.create();
    const prefix = ['setpriv', '--bounding-set=-net_raw', '--inh-caps=-net_raw'];
    assert.match(await offlineError(lab, { prefix }), /CAP_NET_RAW/);
  });

  test('Offline while the address is in use, and OK when it is free again', async () => {
    await using lab = await Lab.create();
    const occupant = await UdpSockets.start(lab.proxy);
    await using service = await (async () => {
      try {
        await occupant.receive({ host: '::', port: 2055 });
        const service = await Service.start(lab, { state: 'Offline' });
        const { proxy } = await service.api.status();
        assert.match(proxy.error ?? '', /2055/);
        assert.match(proxy.error ?? '', /use/);
        return service;
      } finally {
        await occupant[Symbol.asyncDispose]();
      }
    })();
    await service.waitForState('OK');
    await service.stop();
  });

  test('Configuring comes before OK while the service starts, and Offline never does', async () => {
    await using lab = await Lab.create();
    await using service = await Service.start(lab, { state: undefined });
    const seen: string[] = [];
    await waitFor(
      () => `OK comes; seen: ${seen}`,
      async () => {
        const { state } = (await service.api.status()).proxy;
        if (seen.at(-1) !== state) seen.push(state);
        return state === 'OK';
      },
    );
    assert.match(seen.join(), /^(Configuring,)?OK$/);
  });

  test('OK: rules survive a restart and are in force when the state is OK', async () => {
    await using stage = await Stage.start();
    await stage.api.replace(RULES);
    const { folder } = stage.service;
    await stage.service.stop();
    await using service = await Service.start(stage.lab, { folder });
    assert.equal((await service.api.rules()).rules[0]?.exporter.endpoint.host, '203.0.113.1');
    const packet = { from: { host: '203.0.113.1', port: 1 }, to: { host: PROXY_V4, port: 2055 } };
    await stage.exporters.send([{ ...packet, payload: Buffer.from('after the restart') }]);
    const arrived = () => stage.capture.arrived().map(({ payload }) => payload.toString());
    await waitFor('the packet arrives', () => arrived().includes('after the restart'));
  });

  test('forwarders run as an unprivileged user without capabilities, control with no more than it needs', async () => {
    await using lab = await Lab.create();
    await using service = await Service.start(lab, { prefix: ['setpriv', '--groups=12345'] });
    const pids = await service.forwarderPids();
    assert.equal(pids.length, 2);
    for (const pid of pids) {
      const environment = readFileSync(`/proc/${pid}/environ`, 'utf8');
      assert.match(environment, /^(?:NODE_\w+=[^\0]*\0)+$/);
      const status = processStatus(pid);
      assert.ok(
        status['Uid']?.split('\t').every((uid) => Number(uid) > 0),
        status['Uid'],
      );
      assert.ok(
        status['Gid']?.split('\t').every((gid) => Number(gid) > 0),
        status['Gid'],
      );
      assert.equal(status['Groups']?.trim(), '');
      for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapAmb']) {
        assert.equal(Number.parseInt(status[set] ?? '1', 16), 0, `${set} of a forwarder`);
      }
      assert.equal(status['NoNewPrivs'], '1');
    }
    assert.notEqual(processStatus(service.pid)['CapEff'], processStatus(process.pid)['CapEff']);
    await service.stop();
  });

  test('OK: without root, CAP_NET_RAW alone is enough', async () => {
    await using lab = await Lab.create();
    const prefix = [
      'setpriv',
      '--reuid=65534',
      '--regid=65534',
      '--clear-groups',
      '--inh-caps=+net_raw',
      '--ambient-caps=+net_raw',
      '--bounding-set=-all,+net_raw',
    ];
    const prepare = 'mount -t tmpfs -o mode=777 tmpfs /mnt';
    const settings = { COLLECTOR_DATABASE_PATH: '/mnt/collector.db' };
    await using service = await Service.start(lab, { prefix, prepare, settings });
    for (const pid of await service.forwarderPids()) {
      assert.equal(Number.parseInt(processStatus(pid)['CapEff'] ?? '1', 16), 0);
    }
    await service.stop();
  });
});

/** The fields of /proc/PID/status. */
function processStatus(pid: number): Record<string, string> {
  const lines = readFileSync(`/proc/${pid}/status`, 'utf8').split('\n');
  return Object.fromEntries(lines.map((line) => [line.split(':')[0], line.split(':\t')[1] ?? '']));
}
