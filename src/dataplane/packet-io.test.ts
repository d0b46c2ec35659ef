import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { closeSync, fstatSync } from 'node:fs';
import { constants } from 'node:os';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { requireRoot } from '../../test/lab/require-root.ts';
import { addon } from './addon.ts';
import {
  COLLECTOR_BYTES,
  COPY_WORDS,
  COUNTER,
  COUNTERS_BYTES,
  createMemory,
  dieWithParent,
  mapMemory,
  openReceiver,
  openSender,
  PACKET_FLAG_IPV6,
  PACKET_FLAG_TRUNCATED,
  PACKET_FLAGS,
  PACKET_INPUT_SLOT,
  PACKET_LENGTH,
  PACKET_SOURCE,
  PACKET_SOURCE_PORT,
  PACKET_WORDS,
  PacketIo,
  type PacketIoOptions,
  resizeMemory,
  restrictPrivileges,
  SLOT_BYTES,
  SystemCallError,
  socketDrops,
  unmapMemory,
} from './packet-io.ts';

const LOOPBACK = Uint8Array.of(127, 0, 0, 1);
const { ENOTSOCK } = constants.errno;
const TIMEOUT_MS = 5000;
const MODULE = JSON.stringify(new URL('./packet-io.ts', import.meta.url).href);

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
    packets: new ArrayBuffer(64 * PACKET_WORDS * 4),
    copies: new ArrayBuffer(64 * COPY_WORDS * 4),
    counters: new ArrayBuffer(COUNTERS_BYTES + SLOT_COUNT * SLOT_BYTES),
    slotsByteOffset: COUNTERS_BYTES,
    slotCount: SLOT_COUNT,
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

/** One struct pio_collector. */
function makeCollector(octets: readonly number[], port: number, outputSlot: number): ArrayBuffer {
  const view = new DataView(new ArrayBuffer(COLLECTOR_BYTES));
  view.setUint16(10, 0xffff);
  octets.forEach((octet, i) => {
    view.setUint8(12 + i, octet);
  });
  view.setUint16(16, port);
  view.setUint8(18, 4);
  view.setUint32(20, outputSlot, true);
  return view.buffer;
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

/** Runs a script that has all of this module as `io`, in a process of its own. */
function runScript(script: string) {
  const source = `import * as io from ${MODULE};\n${script}`;
  const argv = ['--input-type=module', '--expose-gc', '-e', source];
  return spawnSync(process.execPath, argv, { encoding: 'utf8', timeout: 20_000 });
}

/** The same options in a script; only the receiver is real. */
const SCRIPT_IO = `
  const port = 20000 + process.pid % 20000;
  const octets = Uint8Array.of(127, 0, 0, 1);
  const receiver = io.openReceiver({ octets, port, receiveBufferBytes: 65536, exclusive: false });
  const make = () => new io.PacketIo({
    receiveFd: receiver.fd, sendIpv4Fd: -1, sendIpv6Fd: -1, batch: 8, bufferBytes: 1496,
    mappedPrefix: new Uint8Array(12), packets: new ArrayBuffer(8 * 32), copies: new ArrayBuffer(64),
    counters: new ArrayBuffer(io.COUNTERS_BYTES + 160), slotsByteOffset: io.COUNTERS_BYTES, slotCount: 10,
  });
  const dgram = await import('node:dgram');
  const poke = () => { const s = dgram.createSocket('udp4'); s.send('x', port, '127.0.0.1', () => s.close()); };
`;

test('the constants are those of the C compiler', () => {
  const expected: Record<string, number> = {
    'sizeof packet': PACKET_WORDS * 4,
    'packet.source': PACKET_SOURCE * 4,
    'packet.source_port': PACKET_SOURCE_PORT * 4,
    'packet.length': PACKET_LENGTH * 4,
    'packet.flags': PACKET_FLAGS * 4,
    'packet.input_slot': PACKET_INPUT_SLOT * 4,
    'flag IPV6': PACKET_FLAG_IPV6,
    'flag TRUNCATED': PACKET_FLAG_TRUNCATED,
    'sizeof copy': COPY_WORDS * 4,
    'copy.packet': 0,
    'copy.collector': 4,
    'sizeof collector': COLLECTOR_BYTES,
    'collector.address': 0,
    'collector.port': 16,
    'collector.family': 18,
    'collector.output_slot': 20,
    'sizeof slot': SLOT_BYTES,
    'sizeof counters': COUNTERS_BYTES,
  };
  for (const [name, index] of Object.entries(COUNTER)) expected[`counter ${name}`] = index;
  assert.deepEqual({ ...addon().layout }, expected);
});

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
    assert.equal(lab.packets[PACKET_SOURCE_PORT], sourcePort);
    lab.packets[PACKET_INPUT_SLOT] = 3;
    lab.copies.set([0, 0]);
    lab.io.send(1, 1, 2, 4);
    const [payload, source] = await arrived;
    assert.equal(payload.toString(), 'flow');
    assert.deepEqual([source.address, source.port], ['127.0.0.9', sourcePort]);
    const slots = lab.counters.subarray(COUNTERS_BYTES / 8);
    assert.deepEqual([...slots.subarray(6, 8)], [1n, 4n]);
    assert.deepEqual([...slots.subarray(10, 12)], [1n, 4n]);
    assert.deepEqual([...lab.counters.subarray(0, 5)], [1n, 4n, 1n, 4n, 0n]);
    assert.equal(lab.counters[COUNTER.DROPPED_BY_RULE], 2n);
    assert.equal(lab.counters[COUNTER.NO_ELIGIBLE_COLLECTOR], 4n);
  } finally {
    closeSync(sender);
  }
});

test('R9: a payload longer than the buffer is cut, flagged and counted', async () => {
  await using lab = await openLab({ bufferBytes: 10 });
  await exportFrom('127.0.0.1', lab.port, Buffer.alloc(11, 'x'));
  await receiveOne(lab);
  assert.equal(lab.packets[PACKET_LENGTH], 10);
  assert.equal(lab.packets[PACKET_FLAGS], PACKET_FLAG_TRUNCATED);
  assert.equal(lab.counters[COUNTER.TRUNCATED], 1n);
  assert.equal(lab.counters[COUNTER.RECEIVED_BYTES], 10n);
});

test('receive() answers a negative errno that is counted', async () => {
  const notASocket = createMemory('not-a-socket', 1);
  try {
    await using lab = await openLab({ receiveFd: notASocket });
    assert.equal(lab.io.receive(), -ENOTSOCK);
    assert.equal(lab.counters[COUNTER.RECEIVE_ERRORS + ENOTSOCK], 1n);
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

test('what a polling callback throws is an uncaught exception', () => {
  const result = runScript(`${SCRIPT_IO}
    process.on('uncaughtException', (error) => { console.log('caught', error.message); process.exit(0); });
    make().startPolling(() => { throw new Error('thrown by the callback'); });
    poke();`);
  assert.equal(result.stdout, 'caught thrown by the callback\n', result.stderr);
});

test('the environment can end while polling, also in a worker', async () => {
  const worker = new Worker(
    `import(${MODULE}).then(async (io) => {
      ${SCRIPT_IO.replaceAll('process.pid', '(process.pid + 1)')}
      globalThis.kept = make();
      kept.startPolling(() => { kept.receive(); require('node:worker_threads').parentPort.postMessage('called'); });
      poke();
    });`,
    { eval: true },
  );
  await once(worker, 'message', { signal: AbortSignal.timeout(TIMEOUT_MS) });
  assert.equal(await worker.terminate(), 1);
  const result = runScript(`${SCRIPT_IO}
    const kept = make();
    kept.startPolling(() => process.exit(7));
    poke();`);
  assert.equal(result.status, 7, result.stderr);
});

test('handles and mappings that nobody holds are freed', () => {
  const result = runScript(`${SCRIPT_IO}
    const fd = io.createMemory('collected', 1 << 20);
    const { readFileSync } = await import('node:fs');
    const mapped = () => readFileSync('/proc/self/maps', 'utf8').split('memfd:collected').length - 1;
    for (let i = 0; i < 50; i++) { make(); io.mapMemory(fd, 1 << 20, true); }
    const held = io.mapMemory(fd, 1 << 20, false);
    for (let i = 0; i < 200 && mapped() > 1; i++) { gc(); await new Promise(setImmediate); }
    console.log(mapped(), held.byteLength);
    io.unmapMemory(held);
    console.log(mapped());`);
  assert.equal(result.stdout, '1 1048576\n0\n', result.stderr);
});

test('shared memory: two mappings see each other, and keep what was written when it grows', () => {
  const fd = createMemory('floxy-test', 4096);
  try {
    const writer = mapMemory(fd, 4096, true);
    const reader = mapMemory(fd, 4096, false);
    new Uint8Array(writer)[4095] = 7;
    assert.equal(new Uint8Array(reader)[4095], 7);
    resizeMemory(fd, 8192);
    assert.equal(fstatSync(fd).size, 8192);
    const grown = mapMemory(fd, 8192, true);
    assert.deepEqual([...new Uint8Array(grown).subarray(4095, 4097)], [7, 0]);
    for (const memory of [writer, reader, grown]) {
      unmapMemory(memory);
      assert.equal(memory.detached, true);
      assert.throws(() => unmapMemory(memory), { code: 'EINVAL' });
    }
    assert.throws(() => unmapMemory(new ArrayBuffer(8)), { code: 'EINVAL' });
  } finally {
    closeSync(fd);
  }
});

test('failed system calls say what failed and why', () => {
  assert.throws(
    () => mapMemory(0x7fff_ffff, 1, false),
    (error: unknown) => {
      assert.ok(error instanceof SystemCallError);
      assert.equal(error.message, 'mapMemory: EBADF: bad file descriptor');
      assert.deepEqual([error.code, error.errno, error.syscall], ['EBADF', 9, 'mapMemory']);
      return true;
    },
  );
  assert.throws(() => socketDrops(0x7fff_ffff), { code: 'EBADF' });
  assert.throws(() => dieWithParent(1 << 30), { code: 'ESRCH' });
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
    { slotsByteOffset: COUNTERS_BYTES - 8 },
    { slotsByteOffset: COUNTERS_BYTES + 4, slotCount: 1 },
  ];
  for (const options of bad) {
    assert.throws(() => new PacketIo(makeOptions(options)), RangeError, JSON.stringify(options));
  }
  const collectors = new ArrayBuffer(COLLECTOR_BYTES * 2);
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

test('restrictPrivileges keeps what is asked for, here and in children, and nothing else', {
  skip: requireRoot(),
}, () => {
  const result = runScript(`
    const { execFileSync } = await import('node:child_process');
    const netRaw = 1n << 13n;
    io.restrictPrivileges(netRaw);
    console.log(execFileSync('grep', ['-E', '^(Cap(Inh|Prm|Eff|Bnd|Amb)|NoNewPrivs)', '/proc/self/status'], { encoding: 'utf8' }));
    io.restrictPrivileges(0n);
    try { io.openSender(4, 65536); } catch (error) { console.log(error.code); }`);
  const words = result.stdout.split(/\s+/).filter((word) => word !== '');
  const mask = (value: bigint) => value.toString(16).padStart(16, '0');
  const kept = mask(1n << 13n);
  assert.deepEqual(
    words,
    ['CapInh:', mask(0n), 'CapPrm:', kept, 'CapEff:', kept, 'CapBnd:', kept].concat([
      'CapAmb:',
      mask(0n),
      'NoNewPrivs:',
      '1',
      'EPERM',
    ]),
    result.stderr,
  );
});
