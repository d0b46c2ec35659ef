import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { restartObstacle } from './service-manager.ts';

const PID = 4711;

interface Process {
  readonly name: string;
  readonly parent: number;
  readonly cgroup?: string;
}

function look(processes: Readonly<Record<number, Process>>, restart?: string) {
  const proc = mkdtempSync(path.join(tmpdir(), 'floxy-proc-'));
  for (const [pid, { name, parent, cgroup = '' }] of Object.entries(processes)) {
    mkdirSync(path.join(proc, pid));
    writeFileSync(
      path.join(proc, pid, 'status'),
      `Name:\t${name}\nPid:\t${pid}\nPPid:\t${parent}\n`,
    );
    writeFileSync(path.join(proc, pid, 'cgroup'), `0::${cgroup}\n`);
  }
  const units: string[] = [];
  const restartOf = (unit: string) => {
    units.push(unit);
    return restart;
  };
  const obstacle = restartObstacle(PID, { proc, restartOf });
  rmSync(proc, { recursive: true });
  return { obstacle, units };
}

const INIT = { name: 'systemd', parent: 0 };
const SERVICE = { name: 'floxy: control', parent: 1, cgroup: '/system.slice/floxy.service' };

test('systemd starts a service again that has Restart=always', () => {
  const { obstacle, units } = look({ 1: INIT, [PID]: SERVICE }, 'always');
  assert.equal(obstacle, undefined);
  assert.deepEqual(units, ['floxy.service']);
});

test('a service with another Restart= stays down', () => {
  const { obstacle } = look({ 1: INIT, [PID]: SERVICE }, 'on-failure');
  assert.match(obstacle ?? '', /floxy\.service has Restart=on-failure/);
});

test('a user of systemd whose units cannot be asked for is believed', () => {
  assert.equal(look({ 1: INIT, [PID]: SERVICE }).obstacle, undefined);
});

test('what runs in a session, or was started by another service, is started by nobody again', () => {
  const shell = { name: 'bash', parent: 1, cgroup: '/user.slice/session-3.scope' };
  const inSession = { ...shell, name: 'floxy: control', parent: 77 };
  assert.match(look({ 1: INIT, 77: shell, [PID]: inSession }).obstacle ?? '', /parent is `bash`/);
  const orphan = { ...inSession, parent: 1 };
  assert.match(look({ 1: INIT, [PID]: orphan }).obstacle ?? '', /parent is `systemd`/);
  const cron = { name: 'cron', parent: 1, cgroup: '/system.slice/cron.service' };
  const job = { ...cron, name: 'floxy: control', parent: 88 };
  assert.match(look({ 1: INIT, 88: cron, [PID]: job }).obstacle ?? '', /parent is `cron`/);
});
