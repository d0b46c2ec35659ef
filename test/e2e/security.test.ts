/** What docs/security.md says of processes, tried on those of a running service. */
import assert from 'node:assert/strict';
import {
  closeSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  writeSync,
} from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { mapMemory } from '../../src/native/memory.ts';
import { Lab } from '../lab/lab.ts';
import { requireRoot } from '../lab/require-root.ts';
import { Service } from '../lab/service.ts';

/** Lines of /proc/pid/status, or of a thread's. */
function statusOf(path: string): Record<string, string> {
  const lines = readFileSync(`/proc/${path}/status`, 'utf8').trim().split('\n');
  return Object.fromEntries(lines.map((line) => line.split(/:\s*/) as [string, string]));
}

/** Paths of descriptors whose files have a name that begins so. */
function descriptorsOf(pid: number, name: string): string[] {
  return readdirSync(`/proc/${pid}/fd`)
    .map((fd) => `/proc/${pid}/fd/${fd}`)
    .filter((path) => readlinkSync(path).startsWith(name));
}

function ids(status: Record<string, string>, name: 'Uid' | 'Gid'): number[] {
  return (status[name] ?? '').split(/\s+/).map(Number);
}

const FILTER = '2';

describe('the processes of the service', { skip: requireRoot() }, () => {
  let lab: Lab;
  let service: Service;
  let forwarders: number[];
  before(async () => {
    lab = await Lab.create();
    service = await Service.start(lab);
    forwarders = await service.forwarderPids();
  });
  after(async () => {
    await service[Symbol.asyncDispose]();
    await lab[Symbol.asyncDispose]();
  });

  test('forwarders of root are a user of their own, that nobody else in /etc/passwd is', () => {
    const known = readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .map((line) => line.split(':'))
      .filter(([name]) => name !== 'floxy')
      .map(([, , uid]) => Number(uid));
    for (const pid of forwarders) {
      const status = statusOf(`${pid}`);
      for (const id of [...ids(status, 'Uid'), ...ids(status, 'Gid')]) {
        assert.ok(id > 0 && !known.includes(id), `${id} of forwarder ${pid}`);
      }
      assert.equal(status['Groups']?.trim(), '');
    }
  });

  test('every thread of a forwarder has the filter of system calls, and cannot gain privileges', () => {
    for (const pid of forwarders) {
      const threads = readdirSync(`/proc/${pid}/task`);
      assert.ok(threads.length > 1, 'V8 has threads of its own');
      for (const thread of threads) {
        const status = statusOf(`${pid}/task/${thread}`);
        assert.deepEqual([status['Seccomp'], status['NoNewPrivs']], [FILTER, '1'], status['Name']);
      }
      assert.deepEqual(descriptorsOf(pid, 'anon_inode:[io_uring]'), []);
    }
  });

  test('SIGUSR1 starts no debugger in any process', async () => {
    for (const pid of [service.pid, ...forwarders]) process.kill(pid, 'SIGUSR1');
    await delay(500);
    assert.deepEqual(await service.forwarderPids(), forwarders, 'they live');
    const listening = await lab.run(lab.proxy, ['ss', '-Hltn']);
    assert.doesNotMatch(listening, /:9229\s/);
  });

  test("what has a forwarder's descriptors cannot cut its counters off", () => {
    for (const pid of forwarders) {
      const [counters = ''] = descriptorsOf(pid, '/memfd:floxy-counters');
      const fd = openSync(counters, 'r+');
      try {
        assert.throws(() => ftruncateSync(fd, 0), { code: 'EPERM' });
      } finally {
        closeSync(fd);
      }
    }
  });

  test("what has a forwarder's descriptors cannot write tables, nor cut them off", () => {
    for (const pid of forwarders) {
      const tables = descriptorsOf(pid, '/memfd:floxy-table');
      assert.ok(tables.length >= 2);
      for (const path of tables) {
        const fd = openSync(path, 'r+');
        try {
          assert.throws(() => ftruncateSync(fd, 0), { code: 'EPERM' });
          assert.throws(() => writeSync(fd, 'x', 0), { code: 'EPERM' });
          assert.throws(() => mapMemory(fd, 4096, true), { code: 'EPERM' });
        } finally {
          closeSync(fd);
        }
      }
    }
  });
});
