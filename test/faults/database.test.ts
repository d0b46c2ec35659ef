import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import SqliteDatabase from 'better-sqlite3';
import { type ApiFailure, GRPC, toMessage } from '../lab/api.ts';
import { Lab, makeFolder } from '../lab/lab.ts';
import { requireRoot } from '../lab/require-root.ts';
import { Service } from '../lab/service.ts';
import { waitFor } from '../lab/shell.ts';
import { Stage } from '../lab/stage.ts';
import { endSteadyTraffic, STEADY_RULES, startSteadyTraffic } from '../lab/steady-traffic.ts';

const OTHER_RULES = { rules: [], defaultOutputs: [[{ host: '198.51.100.9', port: 9 }]] };
/** Some megabytes in the database. */
const MANY_RULES = {
  rules: Array.from({ length: 30_000 }, (_, i) => ({
    exporter: { host: `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}` },
    outputs: [
      [
        { host: '198.51.100.9', port: 9 },
        { host: '198.51.100.8', port: 8 },
      ],
    ],
  })),
};

describe('the database', { skip: requireRoot() }, () => {
  let folder: string;
  beforeEach(() => {
    folder = makeFolder('database');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** Leaves a database with the steady rules in the folder. */
  async function saveRules(): Promise<void> {
    await using lab = await Lab.create();
    await using service = await Service.start(lab, { folder });
    await service.api.replace(STEADY_RULES);
    await service.stop();
  }

  async function assertRefused(
    stage: Stage,
    codes: readonly number[],
    rules = OTHER_RULES as object,
  ) {
    await assert.rejects(
      stage.api.call('Settings', 'ReplaceProxyRules', rules),
      (error: ApiFailure) => {
        assert.ok(codes.includes(error.code), `${error.code}: ${error.details}`);
        assert.match(error.details, /database|disk/);
        return true;
      },
    );
    assert.deepEqual(await stage.api.rules(), toMessage(STEADY_RULES));
  }

  test('NotConfigured: a corrupted one is kept beside the new one, the error says why, and a replacement repairs it', async () => {
    await saveRules();
    for (const name of readdirSync(folder))
      writeFileSync(join(folder, name), 'this is no database '.repeat(1_000));
    await using stage = await Stage.start({ folder, state: 'NotConfigured' });
    const { proxy } = await stage.api.status();
    assert.match(proxy.error ?? '', /collector\.db/);
    assert.deepEqual((await stage.api.rules()).rules, []);
    const others = readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name !== 'collector.db')
      .map(({ name }) => name);
    const isKept = others.some((name) =>
      readFileSync(join(folder, name), 'latin1').startsWith('this is no database'),
    );
    assert.ok(isKept, `the old file is kept: ${readdirSync(folder)}`);
    await stage.api.replace(STEADY_RULES);
    await stage.service.waitForState('OK');
    await startSteadyTraffic(stage);
    await stage.api.status();
    await endSteadyTraffic(stage);
    await stage.service.stop();
    await using again = await Service.start(stage.lab, { folder });
    assert.deepEqual(await again.api.rules(), toMessage(STEADY_RULES));
  });

  test('A10: one that is locked at the start: nothing is answered without its rules, which come when it is free', async () => {
    await saveRules();
    const holder = new SqliteDatabase(join(folder, 'collector.db'));
    holder.exec('BEGIN EXCLUSIVE');
    await using stage = await Stage.start({ folder, state: 'NotConfigured' });
    const { proxy } = await stage.api.status();
    assert.match(proxy.error ?? '', /is locked.*tried again every second.*stop the other process/);
    for (const call of ['ListProxyRules', 'GetProxyStats', 'UpdateProxyRules']) {
      await assert.rejects(stage.api.call('Settings', call, {}), { code: GRPC.UNAVAILABLE });
    }
    holder.close();
    await stage.service.waitForState('OK');
    assert.deepEqual(await stage.api.rules(), toMessage(STEADY_RULES));
    await startSteadyTraffic(stage);
    await endSteadyTraffic(stage);
    await stage.service.stop();
  });

  test('one that is removed while it is in use: said, no change is acknowledged, and all rules go to a new file', async () => {
    await using stage = await Stage.start({ folder });
    await stage.api.replace(STEADY_RULES);
    for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true });
    await waitFor('the status says so', async () =>
      /moved, removed or replaced/.test((await stage.api.status()).database.error ?? ''),
    );
    await assert.rejects(stage.api.call('Settings', 'UpdateProxyRules', OTHER_RULES), {
      code: GRPC.FAILED_PRECONDITION,
    });
    await stage.api.replace(STEADY_RULES);
    assert.equal((await stage.api.status()).database.state, 'OK');
    await stage.service.stop();
    await using again = await Service.start(stage.lab, { folder });
    assert.deepEqual(await again.api.rules(), toMessage(STEADY_RULES));
  });

  test('a read-only one: the saved rules work, changes are refused with FAILED_PRECONDITION', async () => {
    await saveRules();
    const prepare = `mount --bind ${folder} ${folder}; mount -o remount,bind,ro ${folder}`;
    await using stage = await Stage.start({ folder, prepare });
    assert.deepEqual(await stage.api.rules(), toMessage(STEADY_RULES));
    await startSteadyTraffic(stage);
    await assertRefused(stage, [GRPC.FAILED_PRECONDITION]);
    await endSteadyTraffic(stage);
    const { database } = await stage.api.status();
    assert.notEqual(database.state, 'OK');
    assert.match(database.error ?? '', /read-only|readonly|written/i);
    await stage.service.stop();
  });

  test('a full disk: changes are refused with RESOURCE_EXHAUSTED, forwarding goes on, and room repairs it', async () => {
    const prepare = `mount -t tmpfs -o size=2m tmpfs ${folder}`;
    await using stage = await Stage.start({ folder, prepare });
    await stage.api.replace(STEADY_RULES);
    // The mount is in the service's own mount namespace.
    const filler = join(`/proc/${stage.service.pid}/root`, folder, 'filler');
    await startSteadyTraffic(stage);
    assert.throws(() => writeFileSync(filler, Buffer.alloc(4 * 1024 * 1024)), { code: 'ENOSPC' });
    await assertRefused(stage, [GRPC.RESOURCE_EXHAUSTED], toMessage(MANY_RULES));
    await endSteadyTraffic(stage);
    rmSync(filler);
    await stage.api.replace(OTHER_RULES);
    assert.deepEqual(await stage.api.rules(), toMessage(OTHER_RULES));
    const { database } = await stage.api.status();
    assert.equal(database.state, 'OK', database.error);
    await stage.service.stop();
  });
});
