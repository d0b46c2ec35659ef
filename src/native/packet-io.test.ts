import assert from 'node:assert/strict';
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { closeSync } from 'node:fs';
import { test } from 'node:test';
import { requireRoot } from '../../test/lab/require-root.ts';
import { COLLECTOR } from '../table/layout.ts';
import { COPY, COUNTER, COUNTERS, PACKET, PACKET_FLAG, SLOT } from './layout.ts';
import {
  createMemory,
  mapMemory,
  openReceiver,
  openSender,
  PacketIo,
  type PacketIoOptions,
  restrictPrivileges,
  socketDrops,
} from './packet-io.ts';

const LOOPBACK = Uint8Array.of(127, 0, 0, 1);
const TIMEOUT_MS = 5000;

interface Lab extends AsyncDisposable {
  readonly io: PacketIo;
  readonly port: number;
  readonly receiveFd: number;
  readonly collector: Socket;
  readonly packets: Uint32Array;
  readonly copies: Uint32Array;
  readonly counters: BigUint64Array;
}

const SLOT_COUNT = 16;

function makeOptions(options: Partial<PacketIoOptions>): PacketIoOptions {
  return {
    receiveFd: 0,
    sendIpv4Fd: -1,
    sendIpv6Fd: -1,
    batch: 64,
    bufferBytes: 1496,
    mappedPrefix: Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff),
    packets: new ArrayBuffer(64 * PACKET.SIZE),
    copies: new ArrayBuffer(64 * COPY.SIZE),
    counters: new ArrayBuffer(COUNTERS.SIZE + SLOT_COUNT * SLOT.SIZE),
    slotsByteOffset: COUNTERS.SIZE,
    slotCount: SLOT_COUNT,
    takesGroup: true,
    ...options,
  };
}

/** A receiver on loopback, and a collector that gets what is sent. */
async function openLab(options: Partial<PacketIoOptions> = {}): Promise<Lab> {
  const port = await freePort();
  const { fd: receiveFd } = openReceiver({
    octets: LOOPBACK,
    port,
    receiveBufferBytes: 1 << 20,
    exclusive: true,
  });
  const collector = await bind('127.0.0.1');
  const made = makeOptions({ receiveFd, ...options });
  const io = new PacketIo(made);
  return {
    io,
    port,
    receiveFd,
    collector,
    packets: new Uint32Array(made.packets),
    copies: new Uint32Array(made.copies),
    counters: new BigUint64Array(made.counters),
    async [Symbol.asyncDispose]() {
      io.stopPolling();
      closeSync(receiveFd);
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

async function freePort(): Promise<number> {
  const socket = await bind('127.0.0.1');
  const { port } = socket.address();
  socket.close();
  await once(socket, 'close');
  return port;
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
  const timer = setTimeout(() => reject(new Error('no datagram came')), TIMEOUT_MS);
  lab.io.startPolling(() => {
    lab.io.stopPolling();
    clearTimeout(timer);
    try {
      assert.equal(lab.io.receive(), 1);
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
  const sender = openSender(4, 1 << 20);
  try {
    await using lab = await openLab({ sendIpv4Fd: sender });
    const arrived: Promise<[Buffer, RemoteInfo]> = once(lab.collector, 'message', {
      signal: AbortSignal.timeout(TIMEOUT_MS),
    }) as Promise<[Buffer, RemoteInfo]>;
    lab.io.setCollectors(makeCollector([...LOOPBACK], lab.collector.address().port, 5), 0, 1);
    const sourcePort = await exportFrom('127.0.0.9', lab.port, Buffer.from('flow'));
    await receiveOne(lab);
    assert.equal(lab.packets[PACKET.SOURCE_PORT], sourcePort);
    lab.packets[PACKET.INPUT_SLOT] = 3;
    lab.copies.set([0, 0]);
    lab.io.send(1, 1);
    const [payload, source] = await arrived;
    assert.equal(payload.toString(), 'flow');
    assert.deepEqual([source.address, source.port], ['127.0.0.9', sourcePort]);
    const slots = lab.counters.subarray(COUNTERS.SIZE / 8);
    assert.deepEqual([...slotOf(slots, 3)], [1n, 4n]);
    assert.deepEqual([...slotOf(slots, 5)], [1n, 4n]);
    const counted = (counter: keyof typeof COUNTER) => lab.counters[COUNTER[counter]];
    assert.deepEqual([counted('RECEIVED_PACKETS'), counted('RECEIVED_BYTES')], [1n, 4n]);
    assert.deepEqual([counted('FORWARDED_PACKETS'), counted('FORWARDED_BYTES')], [1n, 4n]);
    assert.equal(counted('TRUNCATED'), 0n);
  } finally {
    closeSync(sender);
  }
});

test('R9: a payload longer than the buffer is cut, flagged and counted', async () => {
  await using lab = await openLab({ bufferBytes: 10 });
  await exportFrom('127.0.0.1', lab.port, Buffer.alloc(11, 'x'));
  await receiveOne(lab);
  const lengthAndHopLimit = lab.packets[PACKET.LENGTH_BYTE / 4];
  assert.equal(lengthAndHopLimit, 10 | (64 << 16));
  assert.equal(lab.packets[PACKET.FLAGS], PACKET_FLAG.TRUNCATED);
  assert.equal(lab.counters[COUNTER.TRUNCATED], 1n);
  assert.equal(lab.counters[COUNTER.RECEIVED_BYTES], 10n);
});

test('what is no socket is refused', () => {
  const notASocket = createMemory('not-a-socket', 1);
  try {
    assert.throws(() => new PacketIo(makeOptions({ receiveFd: notASocket })), { code: 'ENOTSOCK' });
  } finally {
    closeSync(notASocket);
  }
});

test('polling: starts once, stops as often as you like, and starts again', async () => {
  await using lab = await openLab();
  lab.io.startPolling(() => {});
  assert.throws(() => lab.io.startPolling(() => {}), { code: 'EALREADY' });
  lab.io.stopPolling();
  lab.io.stopPolling();
  await exportFrom('127.0.0.1', lab.port, Buffer.from('x'));
  await receiveOne(lab);
});

test('polling calls back again in the next turn while datagrams wait', async () => {
  await using lab = await openLab();
  const { promise, resolve } = Promise.withResolvers<void>();
  let calls = 0;
  lab.io.startPolling(() => {
    calls += 1;
    if (calls === 3) resolve();
  });
  await exportFrom('127.0.0.1', lab.port, Buffer.from('x'));
  await promise;
  assert.equal(lab.io.receive(), 1);
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

test('arguments out of range are refused before native code sees them', async () => {
  await using lab = await openLab();
  const bad: Partial<PacketIoOptions>[] = [
    { batch: 0 },
    { batch: 65 },
    { batch: 1025, packets: new ArrayBuffer(1 << 20) },
    { bufferBytes: 65536 },
    { bufferBytes: 1.5 },
    { receiveFd: -1 },
    { mappedPrefix: new Uint8Array(16) },
    { slotCount: 17 },
    { slotsByteOffset: COUNTERS.SIZE - 8 },
    { slotsByteOffset: COUNTERS.SIZE + 4, slotCount: 1 },
  ];
  for (const options of bad) {
    assert.throws(() => new PacketIo(makeOptions(options)), RangeError, JSON.stringify(options));
  }
  const collectors = new ArrayBuffer(COLLECTOR.SIZE * 2);
  assert.throws(() => lab.io.setCollectors(collectors, 0, 3), RangeError);
  assert.throws(() => lab.io.setCollectors(collectors, 4, 2), RangeError);
  assert.throws(() => lab.io.setCollectors(collectors, 2, 1), RangeError);
  assert.throws(() => mapMemory(0, 0, true), RangeError);
  assert.throws(() => createMemory('x'.repeat(250), 0), RangeError);
  assert.throws(() => restrictPrivileges(1n << 64n), RangeError);
  assert.throws(
    () =>
      openReceiver({ octets: new Uint8Array(5), port: 1, receiveBufferBytes: 0, exclusive: false }),
    RangeError,
  );
});
