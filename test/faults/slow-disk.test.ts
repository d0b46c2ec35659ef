import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type SystemStatusMessage, toMessage } from '../lab/api.ts';
import { makeFolder } from '../lab/lab.ts';
import { requireRoot } from '../lab/require-root.ts';
import { run } from '../lab/shell.ts';
import { Stage } from '../lab/stage.ts';
import { endSteadyTraffic, STEADY_RULES, startSteadyTraffic } from '../lab/steady-traffic.ts';
import { tellTime } from '../lab/times.ts';

/** The rules with which the traffic goes on as it did, and one more. */
const NEW_RULES = {
  ...STEADY_RULES,
  rules: [...STEADY_RULES.rules, { exporter: { host: '203.0.113.200' }, outputs: [] }],
};
const HANGS_MS = 6_500;
/** A disk that nobody thaws would keep its processes for ever, whatever becomes of the test. */
const THAW_AT_LATEST_SECONDS = 120;
const ANSWER_LIMIT_MS = 1_000;

describe('a disk that hangs', { skip: requireRoot() }, () => {
  test('A8: the change waits for it; packets, reading calls and status do not', async () => {
    const folder = makeFolder('database');
    const image = `${folder}.img`;
    const prepare = `truncate -s 64M ${image}; mkfs.ext4 -q ${image}; mount -o loop ${image} ${folder}`;
    try {
      await using stage = await Stage.start({ folder, prepare });
      await stage.api.replace(STEADY_RULES);
      await using disk = freezer(stage.service.pid, folder);
      await startSteadyTraffic(stage);
      await disk.freeze();
      const change = stage.api.replace(NEW_RULES);
      const start = performance.now();
      let slowestMs = 0;
      let database: SystemStatusMessage['database'] | undefined;
      while (performance.now() - start < HANGS_MS || database?.state === 'OK') {
        const askedAt = performance.now();
        assert.deepEqual(await stage.api.rules(), toMessage(STEADY_RULES));
        await stage.api.statistics();
        ({ database } = await stage.api.status());
        slowestMs = Math.max(slowestMs, performance.now() - askedAt);
        await delay(50);
      }
      const { proxy } = await stage.api.status();
      await disk.thaw();
      await change;

      tellTime('calls are answered while the disk hangs', slowestMs, ANSWER_LIMIT_MS);
      assert.equal(proxy.state, 'OK', proxy.error);
      assert.equal(database?.state, 'Offline');
      assert.match(database?.error ?? '', /collector\.db has not answered for \d+ s/);
      assert.deepEqual(await stage.api.rules(), toMessage(NEW_RULES));
      assert.equal((await stage.api.status()).database.state, 'OK');
      const { missing } = await endSteadyTraffic(stage);
      assert.equal(missing, 0);
      await stage.service.stop();
    } finally {
      rmSync(image, { force: true });
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

/**
 * Lets every write to a file system wait, until it is told otherwise or disposed (FIFREEZE of ioctl_fs(2)). The
 * mount is in the service's own namespace.
 */
function freezer(pid: number, folder: string) {
  const inside = ['nsenter', '--target', `${pid}`, '--mount'];
  const unfreeze = ['fsfreeze', '--unfreeze', folder];
  const [program = '', ...args] = inside;
  const late = ['sh', '-c', `sleep ${THAW_AT_LATEST_SECONDS}; ${unfreeze.join(' ')}`];
  const guard = spawn(program, [...args, ...late], { stdio: 'ignore', detached: true });
  guard.unref();
  let isFrozen = false;
  const thaw = async () => {
    if (isFrozen) await run([...inside, ...unfreeze]);
    isFrozen = false;
  };
  return {
    freeze: async () => {
      await run([...inside, 'fsfreeze', '--freeze', folder]);
      isFrozen = true;
    },
    thaw,
    [Symbol.asyncDispose]: async () => {
      await thaw();
      if (guard.pid !== undefined) process.kill(-guard.pid);
    },
  };
}
