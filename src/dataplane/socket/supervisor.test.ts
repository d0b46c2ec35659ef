import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import pino from 'pino';
import type { ForwarderProcess } from './forwarder-process.ts';
import { Supervisor } from './supervisor.ts';

const CHECK_INTERVAL_MS = 500;

/** A process that does what the test tells it. */
class FakeProcess {
  readonly pid = 1;
  readonly startedAt = performance.now();
  appliedGeneration = 0;
  countedVersion = 0;
  askedVersion = 0;
  readonly killed: string[] = [];

  countKernel(version: number): void {
    this.askedVersion = version;
  }

  kill(reason: string): void {
    this.killed.push(reason);
  }
}

function supervise() {
  const process = new FakeProcess();
  const forwarder = { process, heartbeat: 0n };
  const spec = {
    index: 0,
    spawn: () => process as unknown as ForwarderProcess,
    heartbeat: () => forwarder.heartbeat,
  };
  const supervisor = new Supervisor([spec], pino({ level: 'silent' }));
  void supervisor.publish({ generation: 1, file: 0, bytes: 1 });
  return forwarder;
}

describe('Supervisor', () => {
  it('does not take a process that starts slowly for stuck, as its heartbeat has not begun', (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] });
    const { process } = supervise();
    t.mock.timers.tick(CHECK_INTERVAL_MS * 12);
    process.appliedGeneration = 1;
    t.mock.timers.tick(CHECK_INTERVAL_MS);
    assert.deepEqual(process.killed, []);
  });

  it('kills a process whose heartbeat has stopped for two seconds', (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] });
    const forwarder = supervise();
    forwarder.process.appliedGeneration = 1;
    for (let i = 0; i < 3; i++) {
      forwarder.heartbeat++;
      t.mock.timers.tick(CHECK_INTERVAL_MS);
    }
    t.mock.timers.tick(CHECK_INTERVAL_MS * 3);
    assert.deepEqual(forwarder.process.killed, []);
    t.mock.timers.tick(CHECK_INTERVAL_MS);
    assert.deepEqual(forwarder.process.killed, ['was stuck']);
  });

  it('says that a forwarder has started when it moves packets, not when it cannot be started', (t) => {
    t.mock.timers.enable({ apis: ['setInterval', 'setTimeout'] });
    const log: string[] = [];
    const stream = { write: (line: string) => log.push(JSON.parse(line).msg) };
    const process = new FakeProcess();
    let events: { applied(): void; exited(reason: string): void } | undefined;
    const spec = {
      index: 0,
      spawn: (_: unknown, given: typeof events) => {
        events = given;
        return process as unknown as ForwarderProcess;
      },
      heartbeat: () => 0n,
    };
    const supervisor = new Supervisor([spec], pino({}, stream));
    void supervisor.publish({ generation: 1, file: 0, bytes: 1 });
    events?.exited('exited with status 1: Cannot find module');
    assert.match(supervisor.passingFailure() ?? '', /Cannot find module/);
    t.mock.timers.tick(CHECK_INTERVAL_MS);
    assert.deepEqual(log, ['forwarder died, restarting it']);
    process.appliedGeneration = 1;
    events?.applied();
    events?.applied();
    assert.deepEqual(log, ['forwarder died, restarting it', 'forwarder started']);
  });

  it('S1: waits for the successor of a process that dies before it has counted what the kernel handled', async (t) => {
    t.mock.timers.enable({ apis: ['setInterval', 'setTimeout'] });
    const processes: { process: FakeProcess; applied(): void; exited(reason: string): void }[] = [];
    const spec = {
      index: 0,
      spawn: (_: unknown, events: { applied(): void; exited(reason: string): void }) => {
        const process = new FakeProcess();
        processes.push({ process, ...events });
        return process as unknown as ForwarderProcess;
      },
      heartbeat: () => 0n,
    };
    const supervisor = new Supervisor([spec], pino({ level: 'silent' }));
    void supervisor.publish({ generation: 1, file: 0, bytes: 1 });
    let isCounted = false;
    void supervisor.countKernel().then(() => {
      isCounted = true;
    });
    processes[0]?.exited('was killed by SIGKILL');
    await turn();
    assert.equal(isCounted, false, 'nobody has counted');
    t.mock.timers.tick(CHECK_INTERVAL_MS);
    const [, successor] = processes;
    assert.ok(successor);
    successor.applied();
    await turn();
    assert.equal(isCounted, false, 'it has started');
    successor.process.countedVersion = successor.process.askedVersion;
    successor.applied();
    await turn();
    assert.equal(isCounted, true);
  });
});
