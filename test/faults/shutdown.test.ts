import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Lab } from '../lab/lab.ts';
import { requireRoot } from '../lab/require-root.ts';
import { Service } from '../lab/service.ts';
import { Stage } from '../lab/stage.ts';
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
