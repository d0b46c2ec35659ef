import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  fstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pino from 'pino';
import { handoverListen } from '../../native/handover.ts';
import { createMemory, mapMemory, sealMemory } from '../../native/memory.ts';
import { openReceiver } from '../../native/sockets.ts';
import { COUNTER_MEMORY } from '../memory/counter-memory.ts';
import { type Descriptors, presentDescriptors } from './descriptors.ts';
import { ForwarderSearch } from './forwarder-search.ts';
import { HANDOVER_VERSIONS } from './handover.ts';
import { HandoverPaths } from './handover-paths.ts';
import type { Predecessor } from './predecessor.ts';
import { bootId, identifyProcess } from './process-identity.ts';

const LISTEN = '127.0.0.1:2055';
/** All answer sooner, however busy the machine is; a test that waits for one that does not takes less. */
const ANSWER_WAIT_MS = 20_000;
const SHORT_WAIT_MS = 100;
const OWN_USER = process.getuid?.() ?? 0;
const HANDOVER_MODULE = new URL('./handover.ts', import.meta.url).href;
const NODE = fileURLToPath(new URL('../../../bin/floxy-node', import.meta.url));

/** Answers as a forwarder without control does, with what its argument says. */
const AGENT = `
  const { state, versions, names, listener, ends } = JSON.parse(process.argv[1]);
  const { Bequest } = await import(${JSON.stringify(HANDOVER_MODULE)});
  const { handoverAccept } = await import(${JSON.stringify(new URL('../../native/handover.ts', import.meta.url).href)});
  const descriptors = Object.fromEntries(names.map((name, i) => [name, 4 + i]));
  const bequest = new Bequest(listener, ${OWN_USER});
  process.stdout.write('ready');
  setInterval(() => {
    if (state !== undefined) {
      handoverAccept(listener, ${OWN_USER}, Buffer.from(state), Object.values(descriptors));
      return;
    }
    const request = bequest.poll(descriptors, versions);
    if (request !== undefined && ends) process.stdout.write(request, () => process.exit(0));
  }, 2);
`;

interface AgentOptions {
  /** What it says instead of the truth. */
  readonly state?: string;
  readonly versions?: typeof HANDOVER_VERSIONS;
  /** Whether it ends when it is asked to. */
  readonly ends?: boolean;
  readonly user?: number;
}

describe('ForwarderSearch', () => {
  let folder: string;
  let paths: HandoverPaths;
  let agents: ChildProcess[];
  let log: Record<string, unknown>[];
  let counters: number;
  let identities: number;
  let receive: number;
  let honest: Descriptors;
  /** What agents were asked for. */
  let said: string;

  beforeEach(() => {
    said = '';
    folder = mkdtempSync(join(tmpdir(), 'floxy-'));
    paths = new HandoverPaths(folder, LISTEN);
    agents = [];
    log = [];
    counters = createMemory('test-counters', COUNTER_MEMORY.SIZE);
    sealMemory(counters, false);
    identities = createMemory('test-identities', 64);
    receive = openReceiver({
      octets: Uint8Array.of(127, 0, 0, 1),
      port: 0,
      receiveBufferBytes: 100_000,
      exclusive: false,
    }).fd;
    honest = { 'receive 0': receive, counters, identities };
  });
  afterEach(() => {
    for (const agent of agents) agent.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  });

  /** @returns its pid */
  async function startAgent(descriptors: Descriptors, options: AgentOptions = {}): Promise<number> {
    const present = presentDescriptors(descriptors);
    const { user, ends = true, ...others } = options;
    const listener = handoverListen(paths.socket(0));
    const argument = { names: present.map(([name]) => name), listener: 3, ends, ...others };
    const agent = spawn(NODE, ['--input-type=module', '-e', AGENT, JSON.stringify(argument)], {
      stdio: ['ignore', 'pipe', 'inherit', listener, ...present.map(([, fd]) => fd)],
      ...(user === undefined ? {} : { uid: user }),
    });
    agents.push(agent);
    await once(agent.stdout as NonNullable<typeof agent.stdout>, 'data');
    agent.stdout?.on('data', (text) => {
      said += text;
    });
    return agent.pid as number;
  }

  function record(pid: number, { control = { pid: 1, start: 1 }, start = 0 } = {}): void {
    const known = identifyProcess(pid);
    const forwarder = {
      pid,
      start: known?.start ?? 0,
      index: 0,
      descriptors: presentDescriptors(honest).map(([name]) => name),
    };
    const forwarders = [start === 0 ? forwarder : { ...forwarder, start }];
    const whole = { boot: bootId(), control, versions: HANDOVER_VERSIONS, forwarders };
    writeFileSync(paths.record, JSON.stringify(whole));
  }

  async function find(users = [OWN_USER], waitMs = ANSWER_WAIT_MS): Promise<Predecessor[]> {
    const stream = { write: (line: string) => log.push(JSON.parse(line)) };
    return new ForwarderSearch(paths, users, pino({}, stream)).find(waitMs);
  }

  const isRunning = (pid: number) => existsSync(`/proc/${pid}`) && !isZombie(pid);

  it('finds nothing where nobody listens any more, or ever did', async () => {
    assert.deepEqual(await find(), []);
    closeSync(handoverListen(paths.socket(0)));
    assert.deepEqual(await find(), []);
  });

  it('gets the descriptors of a forwarder, and ends it when it wants', async () => {
    const pid = await startAgent(honest);
    const shared = new Uint8Array(mapMemory(counters, 4096, true));
    const [predecessor] = await find();
    assert.ok(predecessor);
    assert.equal(predecessor.pid, pid);
    const { descriptors } = predecessor;
    assert.deepEqual(Object.keys(descriptors), Object.keys(honest));
    assert.equal(fstatSync(descriptors.identities ?? -1).ino, fstatSync(identities).ino);
    shared[7] = 42;
    assert.equal(new Uint8Array(mapMemory(descriptors.counters ?? -1, 4096, false))[7], 42);
    assert.ok(isRunning(pid));
    assert.equal(await predecessor.end(), true);
    assert.ok(!isRunning(pid));
  });

  for (const [leaves, request] of [
    [false, 'end'],
    [true, 'drain'],
  ] as const) {
    it(`R27: asks for the end, and to empty sockets first that nobody goes on with: ${request}`, async () => {
      await startAgent(honest);
      const [predecessor] = await find();
      assert.ok(predecessor);
      await predecessor.end(leaves ? predecessor.receivers : []);
      await waitUntil(() => said === request);
    });
  }

  it('kills the process that answered when it does not end, and no other that it may name', async () => {
    const bystander = spawn('sleep', ['60']);
    agents.push(bystander);
    const state = JSON.stringify({
      pid: bystander.pid,
      versions: HANDOVER_VERSIONS,
      descriptors: Object.keys(honest),
    });
    const pid = await startAgent(honest, { state });
    const [predecessor] = await find();
    assert.equal(await predecessor?.end(), true);
    assert.ok(!isRunning(pid));
    assert.ok(isRunning(bystander.pid as number));
  });

  it('takes nothing from a process of another user', { skip: OWN_USER !== 0 }, async () => {
    const pid = await startAgent(honest, { user: 12_345 });
    assert.deepEqual(await find(), []);
    assert.match(String(log[0]?.['error']), /user 12345/);
    assert.ok(isRunning(pid));
    assert.equal((await find([12_345])).length, 1);
  });

  const lies: Readonly<Record<string, (fds: Descriptors) => [Descriptors, AgentOptions]>> = {
    'no JSON': (fds) => [fds, { state: '{"versions"' }],
    'JSON of another shape': (fds) => [fds, { state: '{"descriptors": 7}' }],
    'more names than descriptors': (fds) => [
      fds,
      {
        state: JSON.stringify({
          versions: HANDOVER_VERSIONS,
          descriptors: [...Object.keys(fds), 'receive 1'],
        }),
      },
    ],
    'memory as a socket': (fds) => [{ ...fds, 'receive 0': fds.counters }, {}],
    'a socket as memory': (fds) => [{ ...fds, identities: fds['receive 0'] }, {}],
    'a file as memory': (fds) => [{ ...fds, identities: 0 }, {}],
    'something without a name that is known': (fds) => [{ ...fds, handover: fds['receive 0'] }, {}],
    'counters that it can cut off': (fds) => [
      { ...fds, counters: createMemory('test-unsealed', COUNTER_MEMORY.SIZE) },
      {},
    ],
    'counters that are too small to be mapped': (fds) => [{ ...fds, counters: fds.identities }, {}],
  };
  for (const [what, lie] of Object.entries(lies)) {
    it(`takes nothing from a forwarder that hands over ${what}`, async () => {
      const before = openDescriptors();
      const [descriptors, options] = lie(honest);
      const pid = await startAgent(descriptors, options);
      const listeners = openDescriptors() - before;
      assert.deepEqual(await find(), []);
      assert.equal(log.length, 1, JSON.stringify(log));
      assert.equal(log[0]?.['msg'], 'forwarder not taken over');
      assert.equal(openDescriptors() - before, listeners, 'what came is closed');
      assert.ok(isRunning(pid), 'a process that nobody recorded is not touched');
    });
  }

  it('kills a recorded forwarder that hands over something else, as it would keep the port', async () => {
    const pid = await startAgent(honest, { state: 'x' });
    record(pid);
    assert.deepEqual(await find(), []);
    await waitUntil(() => !isRunning(pid));
  });

  it('takes what a stopped forwarder has open, and kills it', async () => {
    const pid = await startAgent(honest);
    record(pid);
    process.kill(pid, 'SIGSTOP');
    const [predecessor] = await find([OWN_USER], SHORT_WAIT_MS);
    assert.ok(predecessor);
    assert.deepEqual(Object.keys(predecessor.descriptors), ['receive 0', 'counters', 'identities']);
    const { counters: taken = -1 } = predecessor.descriptors;
    assert.equal(fstatSync(taken).ino, fstatSync(counters).ino);
    assert.equal(await predecessor.end(), true);
    assert.ok(!isRunning(pid));
  });

  it('touches no process that has got the number of a recorded one', async () => {
    const pid = await startAgent(honest, { state: 'x' });
    record(pid, { start: 12_345 });
    assert.deepEqual(await find(), []);
    await sleep(50);
    assert.ok(isRunning(pid));
  });

  it('takes nothing over while the control that has them is there', async () => {
    const pid = await startAgent(honest);
    const control = identifyProcess(process.pid);
    assert.ok(control);
    record(pid, { control });
    assert.deepEqual(await find(), []);
    assert.ok(isRunning(pid));
  });

  it('does not wait for a forwarder whose queue is full', async () => {
    handoverListen(paths.socket(0));
    const startMs = performance.now();
    for (let i = 0; i < 4; i++) await find([OWN_USER], SHORT_WAIT_MS);
    assert.ok(performance.now() - startMs < ANSWER_WAIT_MS);
  });

  it('does not find the forwarders of another address in the same folder', async () => {
    await startAgent(honest);
    paths = new HandoverPaths(folder, '192.0.2.1:2055');
    assert.deepEqual(await find(), []);
  });

  it('says which part is of another version', async () => {
    await startAgent(honest, { versions: { ...HANDOVER_VERSIONS, identities: 0 } });
    const [predecessor] = await find();
    assert.equal(predecessor?.fits('sockets'), true);
    assert.equal(predecessor?.fits('identities'), false);
  });
});

function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

function isZombie(pid: number): boolean {
  return / [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8').split(')').at(-1) ?? '');
}

async function waitUntil(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 5000;
  while (!condition()) {
    assert.ok(performance.now() < deadline, 'it takes too long');
    await sleep(5);
  }
}
