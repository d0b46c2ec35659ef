import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { closeSync, mkdtempSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, describe, it, type TestContext } from 'node:test';
import { requireRoot } from '../../../test/lab/require-root.ts';
import { HANG_MS, waitFor } from '../../../test/lab/shell.ts';
import { makeEndpoint } from '../../model/endpoint.ts';
import { handoverConnect, handoverListen, handoverReceive } from '../../native/handover.ts';
import { describeSocket } from '../../native/inherited.ts';
import { COUNTER } from '../../native/layout.ts';
import { canRestrictCalls, denyIoUring } from '../../native/privileges.ts';
import { RING } from '../../native/ring-layout.ts';
import { createRing } from '../../native/ring-memory.ts';
import { openReceiver } from '../../native/sockets.ts';
import { MISMATCHED_SLOT } from '../../table/assigned.ts';
import type { TableReference } from '../engine.ts';
import { CounterMemory, SLOT_COUNT } from '../memory/counter-memory.ts';
import { PacketRings } from '../memory/packet-rings.ts';
import { TableMemory } from '../memory/table-memory.ts';
import { type Descriptors, presentDescriptors } from './descriptors.ts';
import { ForwarderProcess } from './forwarder-process.ts';
import { HANDOVER_REQUEST, readNow } from './handover.ts';

const OCTETS = Uint8Array.of(127, 0, 0, 1);

/** More than a forwarder takes in the few turns (16 batches of 64 each) before it hears that it is to end. */
const WAITING = 5000;

const NO_OUTPUTS = { outputs: [], slots: { input: MISMATCHED_SLOT, outputs: [] } };

describe('a forwarder that ends', { skip: requireRoot() }, () => {
  before(() => {
    // As control does: forwarders inherit it.
    if (canRestrictCalls()) denyIoUring();
  });

  it('deals with all packets that wait first, when control stops it', async (t) => {
    const { forwarder, letWait, exited, received } = await startForwarder(t);
    await letWait(() => forwarder.stop());
    assert.match(await exited, /^exited with status 0/);
    assert.equal(received(), WAITING);
  });

  it('deals with all packets that wait first, when the next control has no use for its socket', async (t) => {
    const { forwarder, takeOver, letWait, received } = await startForwarder(t);
    forwarder.leave();
    const connection = await takeOver();
    await letWait(() => writeSync(connection, Buffer.of(HANDOVER_REQUEST.drain)));
    await waitFor('it ends', () => readNow(connection, Buffer.alloc(1)) === 0);
    closeSync(connection);
    assert.equal(received(), WAITING);
  });
});

interface Lab {
  readonly forwarder: ForwarderProcess;
  /** How it ended. */
  readonly exited: Promise<string>;
  /** Packets that it has taken. */
  received(): number;
  /** Stops it, sends it packets, has something done, and lets it go on. */
  letWait(meanwhile: () => void): Promise<void>;
  /** Is its next control. @returns the connection to it */
  takeOver(): Promise<number>;
}

/** Starts one forwarder without rules. */
async function startForwarder(t: TestContext): Promise<Lab> {
  const folder = mkdtempSync(join(tmpdir(), 'floxy-'));
  const path = join(folder, 'socket');
  const memory = {
    counters: new CounterMemory(0),
    tables: new TableMemory(2055),
    rings: new PacketRings(),
  };
  memory.rings.open({ forwarders: 1, ringBytes: RING.BYTES_MIN }, () => undefined);
  const receive = openReceiver({
    octets: OCTETS,
    port: 0,
    receiveBufferBytes: 1 << 24,
    exclusive: false,
  }).fd;
  const handover = handoverListen(path);
  t.after(() => {
    memory.counters.close();
    memory.tables.close();
    memory.rings.close();
    for (const fd of [receive, handover, tap]) closeSync(fd);
    rmSync(folder, { recursive: true });
  });
  const tap = createRing('floxy-test-tap', 1 << 20);
  const [even, odd] = memory.tables.readOnlyFds;
  const table = await memory.tables.make({
    rules: [],
    defaults: NO_OUTPUTS,
    pipelines: new Map(),
    down: new Set(),
  });
  const { forwarder, exited } = await spawnForwarder(table, {
    'receive 0': receive,
    counters: memory.counters.fd,
    'table 0': even,
    'table 1': odd,
    ring: memory.rings.memory(0)?.ring,
    tap,
    handover,
  });
  const pid = forwarder.pid as number;
  return {
    forwarder,
    exited,
    received: () => Number(memory.counters.counter(COUNTER.RECEIVED_PACKETS)),
    letWait: async (meanwhile) => {
      process.kill(pid, 'SIGSTOP');
      await send(describeSocket(receive).port, WAITING);
      meanwhile();
      process.kill(pid, 'SIGCONT');
    },
    takeOver: async () => {
      const connection = handoverConnect(path);
      assert.ok(connection);
      const handed = await waitFor('it answers', () => handoverReceive(connection));
      for (const fd of [...handed.descriptors, handed.pidfd]) if (fd !== undefined) closeSync(fd);
      return connection;
    },
  };
}

async function spawnForwarder(table: TableReference, descriptors: Descriptors) {
  const present = presentDescriptors(descriptors);
  const applied = Promise.withResolvers<void>();
  const exited = Promise.withResolvers<string>();
  const forwarder = new ForwarderProcess(
    {
      index: 0,
      parentPid: process.pid,
      user: undefined,
      batch: 64,
      bufferBytes: 1496,
      slotCount: SLOT_COUNT,
      ipv4SourcePrefix: Array.from({ length: 12 }, () => 0),
      kernelRingBytes: 0,
      descriptors: present.map(([name]) => name),
      table,
      taps: [],
      handover: { limitMs: HANG_MS, user: 0 },
    },
    present.map(([, fd]) => fd),
    { applied: applied.resolve, exited: exited.resolve },
  );
  await Promise.race([applied.promise, exited.promise]);
  return { forwarder, exited: exited.promise };
}

/** Over loopback, where a datagram is in the receive buffer when it has been sent. */
async function send(port: number, datagrams: number): Promise<void> {
  const socket = createSocket('udp4');
  const { host } = makeEndpoint(OCTETS, port);
  for (let i = 0; i < datagrams; i++) {
    await new Promise((resolve) => socket.send('x', port, host, resolve));
  }
  socket.close();
}
