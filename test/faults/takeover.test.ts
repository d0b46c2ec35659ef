import assert from 'node:assert/strict';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, test } from 'node:test';
import { toMessage } from '../lab/api.ts';
import { makeFolder } from '../lab/lab.ts';
import { requireRoot } from '../lab/require-root.ts';
import { Service, type Settings } from '../lab/service.ts';
import { isAlive, waitFor } from '../lab/shell.ts';
import { Stage } from '../lab/stage.ts';
import {
  endSteadyTraffic,
  STEADY_RULES,
  STEADY_STREAMS,
  startSteadyTraffic,
} from '../lab/steady-traffic.ts';

/** Long enough for a busy machine. */
const ORPHANS = { COLLECTOR_FLOXY_ORPHAN_SECONDS: '60' };
/** In which control starts, also on a busy machine. */
const START_SECONDS = 20;
const ORPHANS_FOR_A_START = { COLLECTOR_FLOXY_ORPHAN_SECONDS: `${START_SECONDS}` };
const NEWER_VERSION = 12_345;
const PACKETS_PER_SECOND = 1500;
const WAIT_MS = 20_000;

function threads(count: number): Settings {
  return { ...ORPHANS, COLLECTOR_FLOXY_THREAD_COUNT: String(count) };
}

/** Ends control as an upgrade does; its forwarders go on. */
async function leave({ service }: Stage): Promise<void> {
  process.kill(service.pid, 'SIGUSR2');
  await service.waitForEnd(WAIT_MS);
}

function succeed(stage: Stage, settings: Settings): Promise<Service> {
  return Service.start(stage.lab, { folder: stage.service.folder, settings });
}

async function startWithTraffic(count: number): Promise<Stage> {
  const stage = await Stage.start({ settings: threads(count) });
  await stage.api.replace(STEADY_RULES);
  await startSteadyTraffic(stage, PACKETS_PER_SECOND);
  return stage;
}

/** Packets that all rules, and none, have taken. */
async function countedBy({ api }: Service): Promise<number> {
  const { rules, mismatched } = await api.statistics();
  const inputs = [...rules.map(({ exporter }) => exporter.input), mismatched];
  return inputs.reduce((sum, { packets }) => sum + Number(packets), 0);
}

const arrivesMore = (stage: Stage, packets: number) => {
  const before = stage.capture.arrived().length;
  return waitFor(
    'packets arrive',
    () => stage.capture.arrived().length > before + packets,
    WAIT_MS,
  );
};

describe('a control that takes over from another', { skip: requireRoot() }, () => {
  test('loses no packet and no count in an upgrade, and keeps the order', async () => {
    await using stage = await startWithTraffic(2);
    await arrivesMore(stage, 500);
    await leave(stage);
    await arrivesMore(stage, 100);
    await using _ = await succeed(stage, threads(2));
    await arrivesMore(stage, 500);
    await endSteadyTraffic(stage);
  });

  for (const [before, after] of [
    [2, 3],
    [3, 2],
    [2, 1],
  ] as const) {
    test(`S5, S25: loses and doubles no packet, and no count, in an upgrade from ${before} to ${after} forwarders`, async () => {
      await using stage = await startWithTraffic(before);
      const { counters_since: since } = await stage.api.status();
      await arrivesMore(stage, 500);
      await leave(stage);
      await arrivesMore(stage, 100);
      await using service = await succeed(stage, threads(after));
      assert.equal((await service.api.status()).counters_since, since);
      await arrivesMore(stage, 500);
      // Exporters move between forwarders: those packets may pass each other.
      const { sentPerStream } = await stage.exporters.stopTraffic('steady');
      const sent = sentPerStream * STEADY_STREAMS;
      const arrived = await stage.settle(sent);
      const numbers = new Set(arrived.map(({ payload }) => payload.toString('latin1', 0, 8)));
      assert.deepEqual([arrived.length, numbers.size], [sent, sent]);
      assert.equal(await countedBy(service), sent);
      const { exporters } = await service.api.traffic();
      const seen = exporters.reduce((sum, { received }) => sum + Number(received.packets), 0);
      assert.equal(seen, sent, 'S24: what each exporter sent is known too');
    });
  }

  test('S25: counts of a forwarder that died without control are lost, and statistics say so', async () => {
    await using stage = await startWithTraffic(2);
    await arrivesMore(stage, 100);
    const { counters_since: since } = await stage.api.status();
    const [pid] = await stage.service.forwarderPids();
    await stage.service.killControl();
    process.kill(pid as number, 'SIGKILL');
    await using service = await succeed(stage, threads(2));
    const { counters_since: later } = await service.api.status();
    assert.ok(Date.parse(later ?? '') > Date.parse(since ?? ''), `${since}, ${later}`);
    assert.match(service.log, /"forwarders":1,.*what they counted is lost/);
  });

  test('takes over one forwarder that was stopped with what waits in its socket, and kills it', async () => {
    await using stage = await startWithTraffic(2);
    const pids = await stage.service.forwarderPids();
    await stage.service.killControl();
    process.kill(pids[0] as number, 'SIGSTOP');
    await arrivesMore(stage, 500);
    await using service = await succeed(stage, threads(2));
    await waitFor('the old ones are gone', () => !pids.some(isAlive), WAIT_MS);
    await arrivesMore(stage, 500);
    const { arrived } = await endSteadyTraffic(stage);
    assert.equal(await countedBy(service), arrived);
  });

  test('takes over the only forwarder when it was stopped', async () => {
    await using stage = await startWithTraffic(1);
    const [pid] = await stage.service.forwarderPids();
    assert.ok(pid);
    await stage.service.killControl();
    process.kill(pid, 'SIGSTOP');
    await using service = await succeed(stage, threads(1));
    await waitFor('the old one is gone', () => !isAlive(pid), WAIT_MS);
    await arrivesMore(stage, 500);
    await stage.exporters.stopTraffic('steady');
    assert.match(service.log, /forwarder does not answer/);
  });

  test('leaves the forwarders of another address alone, also in the same folder', async () => {
    const runtime = makeFolder('runtime');
    const settings = { ...threads(1), COLLECTOR_FLOXY_RUNTIME_DIRECTORY: runtime };
    try {
      await using stage = await Stage.start({ settings });
      await stage.api.replace(STEADY_RULES);
      await startSteadyTraffic(stage, PACKETS_PER_SECOND);
      await stage.service.killControl();
      await using other = await Service.start(stage.lab, {
        settings: { ...settings, COLLECTOR_FLOXY_ADDRESS: '127.0.0.1:2055' },
        namespace: stage.lab.exporters,
      });
      await arrivesMore(stage, 500);
      await using _ = await succeed(stage, settings);
      assert.equal((await other.forwarderPids()).length, 1);
      await endSteadyTraffic(stage);
    } finally {
      rmSync(runtime, { recursive: true, force: true });
    }
  });

  describe('when the database is of a newer version', () => {
    /** Ends control, and starts another with a database that it does not know. */
    async function startWithout(stage: Stage) {
      await stage.api.replace(STEADY_RULES);
      await startSteadyTraffic(stage, PACKETS_PER_SECOND);
      const pids = await stage.service.forwarderPids();
      const databases = databasesOf(stage);
      await stage.service.killControl();
      const killedMs = performance.now();
      const known = setVersion(stage, NEWER_VERSION);
      const service = await Service.start(stage.lab, {
        folder: stage.service.folder,
        settings: ORPHANS_FOR_A_START,
        state: 'NotConfigured',
      });
      const { error } = (await service.api.status()).proxy;
      assert.match(error ?? '', /newer.*packets are forwarded by the rules in force before$/);
      await arrivesMore(stage, 500);
      assert.deepEqual(await service.forwarderPids(), pids);
      assert.deepEqual(databasesOf(stage), databases);
      return { service, killedMs, known, databases };
    }

    /** @returns the version that the database was of */
    function setVersion(stage: Stage, version: number): number {
      const database = new DatabaseSync(join(stage.service.folder, 'collector.db'));
      const row = database.prepare('PRAGMA user_version').get();
      database.exec(`PRAGMA user_version = ${version}`);
      database.close();
      return Number(row?.['user_version']);
    }

    const databasesOf = ({ service: { folder } }: Stage) =>
      readdirSync(folder).filter((name) => !/-(wal|shm|journal)$/.test(name));

    test('NotConfigured: packets go on by the rules in force before, also beyond the limit of orphans, until others replace them', async () => {
      await using stage = await Stage.start({ settings: ORPHANS_FOR_A_START });
      const { service, killedMs, databases } = await startWithout(stage);
      await using _ = service;
      const isBeyond = () => performance.now() > killedMs + (START_SECONDS + 1) * 1000;
      await waitFor('orphans without a successor have ended', isBeyond);
      await arrivesMore(stage, 500);
      await service.api.replace(STEADY_RULES);
      await service.waitForState('OK');
      await arrivesMore(stage, 500);
      const { arrived } = await endSteadyTraffic(stage);
      assert.equal(await countedBy(service), arrived);
      assert.deepEqual(await service.api.rules(), toMessage(STEADY_RULES));
      assert.equal(databasesOf(stage).length, databases.length + 1, 'the other one is kept');
    });

    test('NotConfigured: the saved rules are in force again when the database is put back and control is restarted', async () => {
      await using stage = await Stage.start({ settings: ORPHANS_FOR_A_START });
      const { service, known, databases } = await startWithout(stage);
      await using _ = service;
      await service.killControl();
      assert.equal(setVersion(stage, known), NEWER_VERSION);
      await using again = await succeed(stage, ORPHANS_FOR_A_START);
      assert.deepEqual(databasesOf(stage), databases);
      assert.deepEqual(await again.api.rules(), toMessage(STEADY_RULES));
      await arrivesMore(stage, 500);
      const { arrived } = await endSteadyTraffic(stage);
      assert.equal(await countedBy(again), arrived);
    });
  });
});
