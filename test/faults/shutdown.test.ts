import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Lab } from '../lab/lab.ts';
import { requireRoot } from '../lab/require-root.ts';
import { Service } from '../lab/service.ts';
import { waitFor } from '../lab/shell.ts';
import { proxyFor, Stage } from '../lab/stage.ts';
import { accountFor, STEADY_RULES, startSteadyTraffic } from '../lab/steady-traffic.ts';

describe('shutdown', { skip: requireRoot() }, () => {
  test('SIGTERM under traffic ends everything, leaves no process, and damages no packet', async () => {
    await using stage = await Stage.start();
    await stage.api.replace(STEADY_RULES);
    await startSteadyTraffic(stage);
    const started = stage.capture.arrived().length;
    while (stage.capture.arrived().length < started + 1_000) await stage.api.status();
    await stage.service.stop();
    await stage.exporters.stopTraffic('steady');
    const arrived = await stage.capture.stop();
    accountFor(arrived, arrived.length);
    assert.match(stage.service.log, /floxy stopped/);
  });

  test('SIGTERM: packets that wait in a forwarder are forwarded first', async () => {
    await using stage = await Stage.start({ settings: { COLLECTOR_FLOXY_THREAD_COUNT: '1' } });
    await stage.api.replace(STEADY_RULES);
    const [pid] = await stage.service.forwarderPids();
    assert.ok(pid);
    process.kill(pid, 'SIGSTOP');
    const from = { host: '203.0.113.1', port: 15_000 };
    const shot = { from, to: proxyFor(from.host), payload: Buffer.alloc(200) };
    await stage.exporters.send(Array.from({ length: 300 }, () => shot));
    process.kill(stage.service.pid, 'SIGTERM');
    await waitFor('control stops', () => stage.service.log.includes('floxy stops'));
    process.kill(pid, 'SIGCONT');
    await stage.service.waitForEnd();
    await waitFor('all arrive', () => stage.capture.arrived().length === 300);
  });

  test('SIGTERM at any moment of the start ends everything as well', async () => {
    await using lab = await Lab.create();
    for (const state of [undefined, 'OK']) {
      await using service = await Service.start(lab, { state });
      await service.stop();
    }
  });

  test('a forwarder that does not react does not keep the service from ending', async () => {
    await using lab = await Lab.create();
    await using service = await Service.start(lab);
    for (const pid of await service.forwarderPids()) process.kill(pid, 'SIGSTOP');
    await service.stop();
  });
});
