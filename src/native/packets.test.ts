import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { closeSync } from 'node:fs';
import { constants } from 'node:os';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { requireRoot } from '../../test/lab/require-root.ts';
import { HANG_MS } from '../../test/lab/shell.ts';
import { freeUdpPort } from '../../test/support/free-port.ts';
import { COLLECTOR } from '../table/layout.ts';
import { COPY, COUNTER, COUNTERS, PACKET, PACKET_FLAG, SLOT } from './layout.ts';
import { createMemory, mapMemory } from './memory.ts';
import { PacketBatch } from './packet-batch.ts';
import { PacketReceiver, type PacketReceiverOptions } from './packet-receiver.ts';
import { PacketSender, type PacketSenderOptions } from './packet-sender.ts';
import { restrictPrivileges } from './privileges.ts';
import { openReceiver, openSender, socketDrops } from './sockets.ts';

const LOOPBACK = Uint8Array.of(127, 0, 0, 1);

interface Lab extends AsyncDisposable {
  readonly receiver: PacketReceiver;
  readonly port: number;
  readonly receiveFd: number;
  readonly collector: Socket;
  readonly batch: PacketBatch;
  readonly packets: Uint32Array;
  readonly counters: ArrayBuffer;
  readonly counted: BigUint64Array;
}

const SLOT_COUNT = 16;

function receiverOptions(options: Partial<PacketReceiverOptions> = {}): PacketReceiverOptions {
  return {
    fd: 0,
    takesGroup: true,
    batch: new PacketBatch(64, 1496),
    counters: new ArrayBuffer(COUNTERS.SIZE + SLOT_COUNT * SLOT.SIZE),
    ...options,
  };
}

function senderOptions(options: Partial<PacketSenderOptions> = {}): PacketSenderOptions {
  return {
    ipv4Fds: [],
    ipv6Fds: [],
    mappedPrefix: Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff),
    batch: new PacketBatch(64, 1496),
    copies: new ArrayBuffer(64 * COPY.SIZE),
    counters: new ArrayBuffer(COUNTERS.SIZE + SLOT_COUNT * SLOT.SIZE),
    slotsByteOffset: COUNTERS.SIZE,
    slotCount: SLOT_COUNT,
    ...options,
  };
}

/** A receiver on loopback, and a collector. */
async function openLab(payloadBytes = 1496): Promise<Lab> {
  const port = await freeUdpPort();
  const { fd } = openReceiver({
    octets: LOOPBACK,
    port,
    receiveBufferBytes: 1 << 20,
    exclusive: true,
  });
  const collector = await bind('127.0.0.1');
  const options = receiverOptions({ fd, batch: new PacketBatch(64, payloadBytes) });
  const receiver = new PacketReceiver(options);
  return {
    receiver,
    port,
    receiveFd: fd,
    collector,
    batch: options.batch,
    packets: new Uint32Array(options.batch.packets),
    counters: options.counters,
    counted: new BigUint64Array(options.counters),
    async [Symbol.asyncDispose]() {
      receiver.stopPolling();
      closeSync(fd);
      collector.close();
      await once(collector, 'close');
    },
  };
}

async function bind(address: string): Promise<Socket> {
  const socket = createSocket('udp4');
  socket.bind(0, address);
  await once(socket, 'listening');
  return socket;
}

/** Sends from a socket of its own and returns its port. */
async function exportFrom(address: string, port: number, payload: Uint8Array): Promise<number> {
  const exporter = await bind(address);
  await new Promise<void>((sent) => exporter.send(payload, port, '127.0.0.1', () => sent()));
  const { port: sourcePort } = exporter.address();
  exporter.close();
  await once(exporter, 'close');
  return sourcePort;
}

/** One struct table_collector. */
function makeCollector(octets: readonly number[], port: number, outputSlot: number): ArrayBuffer {
  const view = new DataView(new ArrayBuffer(COLLECTOR.SIZE));
  view.setUint16(10, 0xffff);
  octets.forEach((octet, i) => {
    view.setUint8(12 + i, octet);
  });
  view.setUint16(COLLECTOR.PORT_BYTE, port);
  view.setUint8(COLLECTOR.FAMILY_BYTE, 4);
  view.setUint32(COLLECTOR.OUTPUT_SLOT * 4, outputSlot, true);
  return view.buffer;
}

/** Packets and bytes. */
function slotOf(slots: BigUint64Array, slot: number): BigUint64Array {
  return slots.subarray((slot * SLOT.SIZE) / 8, ((slot + 1) * SLOT.SIZE) / 8);
}

function receiveOne(lab: Lab): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(() => reject(new Error('no datagram came')), HANG_MS);
  lab.receiver.startPolling(() => {
    lab.receiver.stopPolling();
    clearTimeout(timer);
    try {
      assert.equal(lab.receiver.receive(), 1);
      resolve();
    } catch (error) {
      reject(error);
    }
  });
  return promise;
}

test('R6: a copy arrives from the address and port of the exporter, and all is counted', {
  skip: requireRoot(),
}, async () => {
  const senderFd = openSender(4, 1 << 20);
  try {
    await using lab = await openLab();
    const { batch, counters } = lab;
    const options = senderOptions({ ipv4Fds: [senderFd], batch, counters });
    const sender = new PacketSender(options);
    const arrived: Promise<[Buffer, RemoteInfo]> = once(lab.collector, 'message', {
      signal: AbortSignal.timeout(HANG_MS),
    }) as Promise<[Buffer, RemoteInfo]>;
    sender.setCollectors(makeCollector([...LOOPBACK], lab.collector.address().port, 5), 0, 1);
    const sourcePort = await exportFrom('127.0.0.9', lab.port, Buffer.from('flow'));
    await receiveOne(lab);
    assert.equal(lab.packets[PACKET.SOURCE_PORT], sourcePort);
    lab.packets[PACKET.INPUT_SLOT] = 3;
    new Uint32Array(options.copies).set([0, 0]);
    sender.send(1, 1);
    const [payload, source] = await arrived;
    assert.equal(payload.toString(), 'flow');
    assert.deepEqual([source.address, source.port], ['127.0.0.9', sourcePort]);
    const slots = lab.counted.subarray(COUNTERS.SIZE / 8);
    assert.deepEqual([...slotOf(slots, 3)], [1n, 4n]);
    assert.deepEqual([...slotOf(slots, 5)], [1n, 4n]);
    const counted = (counter: keyof typeof COUNTER) => lab.counted[COUNTER[counter]];
    assert.deepEqual([counted('RECEIVED_PACKETS'), counted('RECEIVED_BYTES')], [1n, 4n]);
    assert.deepEqual([counted('FORWARDED_PACKETS'), counted('FORWARDED_BYTES')], [1n, 4n]);
    assert.equal(counted('TRUNCATED'), 0n);
  } finally {
    closeSync(senderFd);
  }
});

test('R9: a payload longer than the buffer is cut, flagged and counted', async () => {
  await using lab = await openLab(10);
  await exportFrom('127.0.0.1', lab.port, Buffer.alloc(11, 'x'));
  await receiveOne(lab);
  assert.equal(new Uint16Array(lab.batch.packets)[PACKET.LENGTH_BYTE / 2], 10);
  assert.equal(lab.packets[PACKET.FLAGS], PACKET_FLAG.TRUNCATED);
  assert.equal(lab.counted[COUNTER.TRUNCATED], 1n);
  assert.equal(lab.counted[COUNTER.RECEIVED_BYTES], 10n);
});

test('what is no socket is refused', () => {
  const notASocket = createMemory('not-a-socket', 1);
  try {
    assert.throws(() => new PacketReceiver(receiverOptions({ fd: notASocket })), {
      code: 'ENOTSOCK',
    });
  } finally {
    closeSync(notASocket);
  }
});

test('polling: starts once, stops as often as you like, and starts again', async () => {
  await using lab = await openLab();
  lab.receiver.startPolling(() => {});
  assert.throws(() => lab.receiver.startPolling(() => {}), { code: 'EALREADY' });
  lab.receiver.stopPolling();
  lab.receiver.stopPolling();
  await exportFrom('127.0.0.1', lab.port, Buffer.from('x'));
  await receiveOne(lab);
});

test('polling calls back again in the next turn while datagrams wait', async () => {
  await using lab = await openLab();
  const { promise, resolve } = Promise.withResolvers<void>();
  let calls = 0;
  lab.receiver.startPolling(() => {
    calls += 1;
    if (calls === 3) resolve();
  });
  await exportFrom('127.0.0.1', lab.port, Buffer.from('x'));
  await promise;
  assert.equal(lab.receiver.receive(), 1);
});

test('polling leaves a socket alone for as long as the callback says, and calls then', async () => {
  await using lab = await openLab();
  const { promise, resolve } = Promise.withResolvers<void>();
  const calls: { atMs: number; packets: number }[] = [];
  lab.receiver.startPolling(() => {
    calls.push({ atMs: performance.now(), packets: lab.receiver.receive() });
    if (calls.length < 3) return 50;
    // From here on it is called when something comes.
    if (calls.length === 3) void exportFrom('127.0.0.1', lab.port, Buffer.from('z'));
    else resolve();
    return 0;
  });
  await exportFrom('127.0.0.1', lab.port, Buffer.from('x'));
  while (calls.length === 0) await delay(1);
  await exportFrom('127.0.0.1', lab.port, Buffer.from('y'));
  await promise;
  assert.deepEqual(
    calls.map(({ packets }) => packets),
    [1, 1, 0, 1],
  );
  const [first, second, third] = calls.map(({ atMs }) => atMs);
  assert.ok(second !== undefined && first !== undefined && third !== undefined);
  // Timers count whole milliseconds of a clock of their own.
  assert.ok(second - first >= 45 && third - second >= 45, `${first} ${second} ${third}`);
});

test('polling that is stopped while it leaves a socket alone calls back no more', async () => {
  await using lab = await openLab();
  let calls = 0;
  lab.receiver.startPolling(() => {
    calls++;
    return 20;
  });
  await exportFrom('127.0.0.1', lab.port, Buffer.from('x'));
  while (calls === 0) await delay(1);
  lab.receiver.stopPolling();
  const before = calls;
  await delay(60);
  assert.equal(calls, before);
  await receiveOne(lab);
});

test('polling goes on after an error of the socket, which is counted', {
  skip: requireRoot(),
  timeout: HANG_MS,
}, async (t) => {
  await using lab = await openLab();
  const { promise, resolve } = Promise.withResolvers<void>();
  lab.receiver.startPolling(() => {
    if (lab.receiver.receive() > 0) resolve();
  });
  // What an operator can do to any socket: sock_diag(7), SOCK_DESTROY.
  spawnSync('ss', ['-Kuan', 'src', `127.0.0.1:${lab.port}`]);
  await delay(100);
  if (lab.counted[COUNTER.RECEIVE_ERRORS + constants.errno.ECONNABORTED] === 0n) {
    t.skip('this kernel destroys no sockets');
    return;
  }
  await exportFrom('127.0.0.1', lab.port, Buffer.from('x'));
  await promise;
});

test('an exclusive receiver is refused while any other socket has the port', async () => {
  await using lab = await openLab();
  const options = { octets: LOOPBACK, port: lab.port, receiveBufferBytes: 65536 };
  assert.throws(() => openReceiver({ ...options, exclusive: true }), { code: 'EADDRINUSE' });
  const { fd, receiveBufferBytes } = openReceiver({ ...options, exclusive: false });
  closeSync(fd);
  assert.equal(receiveBufferBytes, 2 * 65536);
  assert.equal(socketDrops(lab.receiveFd), 0);
});

test('arguments out of range are refused before native code sees them', () => {
  assert.throws(() => new PacketBatch(0, 1496), RangeError);
  assert.throws(() => new PacketBatch(1025, 1496), RangeError);
  assert.throws(() => new PacketBatch(64, 65536), RangeError);
  assert.throws(() => new PacketBatch(64, 1.5), RangeError);
  assert.throws(() => new PacketReceiver(receiverOptions({ fd: -1 })), RangeError);
  const noCounters = receiverOptions({ counters: new ArrayBuffer(COUNTERS.SIZE - 8) });
  assert.throws(() => new PacketReceiver(noCounters), RangeError);
  const bad: Partial<PacketSenderOptions>[] = [
    { ipv4Fds: [-1] },
    { ipv6Fds: Array.from({ length: 65 }, () => 0) },
    { mappedPrefix: new Uint8Array(16) },
    { slotCount: 17 },
    { slotsByteOffset: COUNTERS.SIZE - 8 },
    { slotsByteOffset: COUNTERS.SIZE + 4, slotCount: 1 },
  ];
  for (const options of bad) {
    const all = senderOptions(options);
    assert.throws(() => new PacketSender(all), RangeError, JSON.stringify(options));
  }
  const sender = new PacketSender(senderOptions());
  const collectors = new ArrayBuffer(COLLECTOR.SIZE * 2);
  assert.throws(() => sender.setCollectors(collectors, 0, 3), RangeError);
  assert.throws(() => sender.setCollectors(collectors, 4, 2), RangeError);
  assert.throws(() => sender.setCollectors(collectors, 2, 1), RangeError);
  assert.throws(() => mapMemory(0, 0, true), RangeError);
  assert.throws(() => createMemory('x'.repeat(250), 0), RangeError);
  assert.throws(() => restrictPrivileges(1n << 64n), RangeError);
  assert.throws(
    () =>
      openReceiver({ octets: new Uint8Array(5), port: 1, receiveBufferBytes: 0, exclusive: false }),
    RangeError,
  );
});
