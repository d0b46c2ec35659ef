import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { startFakeApi } from '../../test/cli/fake-api.ts';
import { runFloxy } from '../../test/cli/fake-terminal.ts';

/** A process that looks like the service and says which signal reached it. */
class StandIn implements AsyncDisposable {
  readonly #folder = mkdtempSync(path.join(tmpdir(), 'floxy-upgrade-'));
  readonly #child: ChildProcess;
  signals = '';

  constructor(title: string) {
    const script = path.join(this.#folder, 'main.cjs');
    writeFileSync(
      script,
      "process.title = process.argv[2]; process.on('SIGUSR2', () => console.log('SIGUSR2')); console.log('runs'); setInterval(() => {}, 1000);",
    );
    this.#child = spawn(process.execPath, [script, title], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
  }

  static async start(title = 'floxy: control'): Promise<StandIn> {
    const standIn = new StandIn(title);
    await once(standIn.#child.stdout ?? standIn.#child, 'data');
    standIn.#child.stdout?.on('data', (text) => {
      standIn.signals += text;
    });
    return standIn;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
    rmSync(this.#folder, { recursive: true });
  }
}

function buildOf(pid: number, version = '0.1.0') {
  return { version, commit: 'unknown', pid };
}

function upgradeAt(port: number, ...args: readonly string[]) {
  return runFloxy(['upgrade', '--supervised', '--api', `127.0.0.1:${port}`, ...args]);
}

test('upgrade signals control and waits until another process is OK', async () => {
  await using service = await StandIn.start();
  let questions = 0;
  await using api = await startFakeApi(({ method }) => {
    if (method === 'GetSystemStatus') {
      questions += 1;
      return { answer: { proxy: { state: questions === 1 ? 'Configuring' : 'OK' } } };
    }
    const isSignalled = service.signals !== '';
    return { answer: isSignalled ? buildOf(service.pid + 1, '0.2.0') : buildOf(service.pid) };
  });
  const run = await upgradeAt(api.port);
  assert.equal(run.errors, '');
  assert.equal(run.exitCode, 0);
  assert.match(
    run.output,
    new RegExp(
      `^floxy 0\\.1\\.0 \\(pid ${service.pid}\\) -> floxy 0\\.2\\.0 \\(pid ${service.pid + 1}\\), ready after \\d+\\.\\d s\n$`,
    ),
  );
  assert.equal(service.signals, 'SIGUSR2\n');
  assert.equal(questions, 2);
});

test('upgrade fails when nobody takes the place of the old process', async () => {
  await using service = await StandIn.start();
  await using api = await startFakeApi({ answer: buildOf(service.pid) });
  const run = await upgradeAt(api.port, '--limit', '0.3');
  assert.equal(run.exitCode, 1);
  assert.match(run.errors, /within 0\.3 s: process \d+ has not ended\n$/);
});

test('upgrade fails with the reason when the new process is not well', async () => {
  await using service = await StandIn.start();
  await using api = await startFakeApi(({ method }) =>
    method === 'GetSystemStatus'
      ? { answer: { proxy: { state: 'Offline', error: 'no permission' } } }
      : { answer: buildOf(service.pid + (service.signals === '' ? 0 : 1)) },
  );
  const run = await upgradeAt(api.port, '--limit', '0.5');
  assert.equal(run.exitCode, 1);
  assert.match(
    run.errors,
    /the proxy of floxy 0\.1\.0 \(pid \d+\) is Offline \(no permission\)\n$/,
  );
});

test('upgrade touches no process that is not the service', async () => {
  await using other = await StandIn.start('something-else');
  await using api = await startFakeApi({ answer: buildOf(other.pid) });
  const run = await upgradeAt(api.port);
  assert.equal(run.exitCode, 1);
  assert.match(run.errors, /is no `floxy serve` here/);
  assert.equal(other.signals, '');
});

test('upgrade ends nothing that nobody seems to start again, unless told that somebody does', async () => {
  await using service = await StandIn.start();
  await using api = await startFakeApi({ answer: buildOf(service.pid) });
  const run = await runFloxy(['upgrade', '--api', `127.0.0.1:${api.port}`, '--limit', '0.3']);
  assert.equal(run.exitCode, 1);
  assert.match(run.errors, /^floxy: nothing was done: nobody seems to start process \d+ again/);
  assert.equal(service.signals, '');
  const told = await upgradeAt(api.port, '--limit', '0.3');
  assert.match(told.errors, /was told to end/);
});

test('upgrade refuses the first process of a container, and versions without a process number', async () => {
  await using first = await startFakeApi({ answer: buildOf(1) });
  assert.match((await upgradeAt(first.port)).errors, /first process of its container/);
  await using old = await startFakeApi({ answer: { version: '0.1.0' } });
  assert.match((await upgradeAt(old.port)).errors, /cannot be upgraded in place/);
});

test('upgrade refuses another host, and says when the API cannot be reached', async () => {
  const far = await runFloxy(['upgrade', '--api', '192.0.2.77:8853']);
  assert.equal(far.exitCode, 2);
  assert.match(far.errors, /192\.0\.2\.77 is none of its addresses/);
  const port = await freePort();
  const nobody = await upgradeAt(port, '--timeout', '2');
  assert.equal(nobody.exitCode, 3);
  assert.match(nobody.errors, /ECONNREFUSED/);
});

/** A port on which nobody listens: one that was in use a moment ago. */
async function freePort(): Promise<number> {
  const api = await startFakeApi('silence');
  await api[Symbol.asyncDispose]();
  return api.port;
}

test('the unix socket of a service is on this host', async () => {
  const run = await runFloxy(['upgrade'], {
    env: { COLLECTOR_API_SOCKET: '/nonexistent/api.sock' },
  });
  assert.equal(run.exitCode, 3);
  assert.match(run.errors, /cannot reach the API at unix:\/nonexistent\/api\.sock/);
});
