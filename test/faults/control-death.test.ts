import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { describe, test } from 'node:test';
import { type Api, type ApiFailure, GRPC } from '../lab/api.ts';
import { Lab, makeFolder } from '../lab/lab.ts';
import { requireRoot } from '../lab/require-root.ts';
import { Service } from '../lab/service.ts';
import { HANG_MS, waitFor } from '../lab/shell.ts';
import { Stage } from '../lab/stage.ts';
import { STEADY_RULES, startSteadyTraffic } from '../lab/steady-traffic.ts';

const COLLECTOR = { host: '198.51.100.1', port: 9995 };

/** Adds one rule after the other until the service is gone. @param acknowledged is told how many there are */
async function addRules(
  api: Api,
  first: number,
  acknowledged: (rules: number) => void,
): Promise<void> {
  for (let i = first; ; i++) {
    const exporter = { host: `10.0.${i >> 8}.${i & 255}` };
    try {
      await api.update({ rules: [{ exporter, outputs: [[COLLECTOR]] }] });
    } catch (error) {
      assert.equal((error as ApiFailure).code, GRPC.UNAVAILABLE, String(error));
      return;
    }
    acknowledged(i + 1);
  }
}

const NO_ORPHANS = { COLLECTOR_FLOXY_ORPHAN_SECONDS: '0' };

describe('control that dies', { skip: requireRoot() }, () => {
  test('kill -9 of control ends its forwarders too where they are not to outlive it', async () => {
    await using stage = await Stage.start({ settings: NO_ORPHANS });
    await stage.api.replace(STEADY_RULES);
    await startSteadyTraffic(stage);
    assert.equal((await stage.service.pids()).length, 3);
    await stage.service.killControl();
    await waitFor('no process is left', async () => (await stage.service.pids()).length === 0);
    await using service = await Service.start(stage.lab, {
      folder: stage.service.folder,
      settings: NO_ORPHANS,
    });
    const before = stage.capture.arrived().length;
    await waitFor('packets arrive again', () => stage.capture.arrived().length > before + 100);
    await service.stop();
    await stage.exporters.stopTraffic('steady');
  });

  test('A8: every acknowledged change is there after kill -9, and at most one that was not', async () => {
    await using lab = await Lab.create();
    const folder = makeFolder('database');
    try {
      let rules = 0;
      for (const changes of [1, 7, 20]) {
        await using service = await Service.start(lab, { folder, settings: NO_ORPHANS });
        const present = (await service.api.rules()).rules.length;
        assert.ok(
          present === rules || present === rules + 1,
          `${present} rules, ${rules} acknowledged`,
        );
        rules = present;
        const added = addRules(service.api, present, (count) => {
          rules = count;
        });
        await waitFor('rules are added', () => rules >= present + changes, HANG_MS, 1);
        await service.killControl();
        await added;
        await waitFor('no process is left', async () => (await service.pids()).length === 0);
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
