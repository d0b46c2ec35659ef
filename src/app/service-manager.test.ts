import assert from 'node:assert/strict';
import { test } from 'node:test';
import pino from 'pino';
import { waitFor } from '../../test/lab/shell.ts';
import { NotifySocket } from '../../test/support/notify-socket.ts';
import { ServiceManager } from './service-manager.ts';

/** A service whose state and fault the test sets. */
function serviceAt(socket: string | undefined, env: NodeJS.ProcessEnv = {}) {
  const lines: Record<string, unknown>[] = [];
  const service = { state: 'OK, 3 rules', fault: undefined as string | undefined };
  const all: NodeJS.ProcessEnv = {
    ...env,
    ...(socket === undefined ? {} : { NOTIFY_SOCKET: socket }),
  };
  const manager = new ServiceManager({
    env: all,
    describe: () => service.state,
    fault: () => service.fault,
    log: pino({ base: null }, { write: (line) => lines.push(JSON.parse(line)) }),
  });
  return { manager, service, lines, env: all };
}

test('the service is ready once its start is over, and its state is told when it changes', async () => {
  await using socket = await NotifySocket.start();
  const { manager, service } = serviceAt(socket.path);
  const start = Promise.withResolvers<void>();
  const ready = manager.readyAfter(start.promise);
  manager.look();
  await waitFor('the manager is told', () => socket.messages.length === 1);
  assert.deepEqual(socket.messages, ['STATUS=OK, 3 rules']);
  start.resolve();
  await ready;
  manager.look();
  service.state = 'Offline: the port is\nin use';
  manager.look();
  await waitFor('the manager is told', () => socket.messages.length === 3);
  assert.deepEqual(socket.messages.slice(1), [
    'READY=1',
    'STATUS=Offline: the port is\\u000ain use',
  ]);
});

test('signs of life come while the service is well, and end with a line in the log when it is not', async () => {
  await using socket = await NotifySocket.start();
  const env = { WATCHDOG_USEC: '300000', WATCHDOG_PID: String(process.pid) };
  const { manager, service, lines } = serviceAt(socket.path, env);
  manager.start();
  await waitFor('the manager is told', () => socket.lines('WATCHDOG=1').length >= 3);
  service.fault = 'forwarders have not taken a table for 60 s';
  manager.look();
  manager.look();
  service.state = 'told last';
  manager.look();
  await waitFor('the manager is told', () => socket.messages.includes('STATUS=told last'));
  const told = socket.lines('WATCHDOG=1').length;
  manager.look();
  manager.stop();
  assert.deepEqual(
    lines.map(({ level, fault, limitMs }) => [level, fault, limitMs]),
    [[50, service.fault, 300]],
  );
  service.fault = undefined;
  manager.look();
  await waitFor('the manager is told', () => socket.lines('WATCHDOG=1').length > told);
  assert.equal(socket.lines('WATCHDOG=1').length, told + 1);
});

test('a watchdog of another process is not answered', async () => {
  await using socket = await NotifySocket.start();
  const { manager } = serviceAt(socket.path, { WATCHDOG_USEC: '300000', WATCHDOG_PID: '1' });
  manager.look();
  await waitFor('the manager is told', () => socket.messages.length === 1);
  assert.deepEqual(socket.lines('WATCHDOG'), []);
});

test('who has settings read again waits until they are', async () => {
  await using socket = await NotifySocket.start();
  const { manager } = serviceAt(socket.path);
  await manager.readyAfter(Promise.resolve());
  const jobs = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const reloads = jobs.map(({ promise }) => manager.whileReloading(() => promise));
  jobs[0]?.resolve();
  await reloads[0];
  manager.look();
  jobs[1]?.reject(new Error('a bad file'));
  await assert.rejects(reloads[1] ?? Promise.resolve(), /a bad file/);
  await waitFor('the manager is told', () => socket.lines('READY=1').length === 2);
  const states = socket.messages.filter((text) => !text.startsWith('STATUS='));
  assert.deepEqual(
    states.map((text) => text.replace(/\d+$/, '…')),
    ['READY=…', 'RELOADING=1\nMONOTONIC_USEC=…', 'READY=…'],
  );
});

test('a stop that drains first is given the time', async () => {
  await using socket = await NotifySocket.start();
  const { manager } = serviceAt(socket.path);
  manager.stopping(30);
  await waitFor('the manager is told', () => socket.messages.length === 1);
  assert.deepEqual(socket.messages, ['STOPPING=1\nEXTEND_TIMEOUT_USEC=40000000']);
});

test('children do not speak for the service, and nobody asks in most places', () => {
  const { manager, env, lines } = serviceAt(undefined, { WATCHDOG_USEC: '1000000', HOME: '/' });
  manager.start();
  manager.look();
  manager.stopping(0);
  manager.stop();
  assert.deepEqual(env, { HOME: '/' });
  assert.deepEqual(lines, []);
});

test('a manager that is not there is told of in one line', () => {
  const { manager, lines } = serviceAt('/nonexistent/notify');
  manager.look();
  manager.look();
  assert.deepEqual(
    lines.map(({ msg }) => msg),
    ['the service manager cannot be told'],
  );
});
