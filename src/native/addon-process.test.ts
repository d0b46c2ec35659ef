import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, fstatSync } from 'node:fs';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { requireRoot } from '../../test/lab/require-root.ts';
import { HANG_MS } from '../../test/lab/shell.ts';
import { COUNTERS } from './layout.ts';
import { createMemory, mapMemory, resizeMemory, unmapMemory } from './memory.ts';
import { dieWithParent } from './privileges.ts';
import { socketDrops } from './sockets.ts';
import { SystemCallError } from './system-call.ts';

const MODULES = ['memory', 'packet-batch', 'packet-receiver', 'privileges', 'sockets'];

/** An expression: all that these modules export. */
const IMPORTED = `Object.assign({}, ${MODULES.map((name) => {
  const { href } = new URL(`./${name}.ts`, import.meta.url);
  return `await import(${JSON.stringify(href)})`;
}).join(', ')})`;

/** Runs a script that has all of these modules as `io`, in a process of its own. */
function runScript(script: string) {
  const source = `const io = ${IMPORTED};\n${script}`;
  const argv = ['--input-type=module', '--expose-gc', '-e', source];
  return spawnSync(process.execPath, argv, { encoding: 'utf8', timeout: HANG_MS });
}

/** A receiver in a script. */
const SCRIPT_RECEIVER = `
  const port = 20000 + process.pid % 20000;
  const octets = Uint8Array.of(127, 0, 0, 1);
  const receiver = io.openReceiver({ octets, port, receiveBufferBytes: 65536, exclusive: false });
  const make = () => new io.PacketReceiver({
    fd: receiver.fd, takesGroup: true, batch: new io.PacketBatch(8, 1496),
    counters: new ArrayBuffer(${COUNTERS.SIZE}),
  });
  const dgram = await import('node:dgram');
  const poke = () => { const s = dgram.createSocket('udp4'); s.send('x', port, '127.0.0.1', () => s.close()); };
`;

test('what a polling callback throws is an uncaught exception', () => {
  const result = runScript(`${SCRIPT_RECEIVER}
    process.on('uncaughtException', (error) => { console.log('caught', error.message); process.exit(0); });
    make().startPolling(() => { throw new Error('thrown by the callback'); });
    poke();`);
  assert.equal(result.stdout, 'caught thrown by the callback\n', result.stderr);
});

test('the environment can end while polling, also in a worker', async () => {
  const worker = new Worker(
    `(async () => {
      const io = ${IMPORTED};
      ${SCRIPT_RECEIVER.replaceAll('process.pid', '(process.pid + 1)')}
      globalThis.kept = make();
      kept.startPolling(() => { kept.receive(); require('node:worker_threads').parentPort.postMessage('called'); });
      poke();
    })();`,
    { eval: true },
  );
  await once(worker, 'message', { signal: AbortSignal.timeout(HANG_MS) });
  assert.equal(await worker.terminate(), 1);
  const result = runScript(`${SCRIPT_RECEIVER}
    const kept = make();
    kept.startPolling(() => process.exit(7));
    poke();`);
  assert.equal(result.status, 7, result.stderr);
});

test('handles and mappings that nobody holds are freed', () => {
  const result = runScript(`${SCRIPT_RECEIVER}
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

test('restrictPrivileges keeps what is asked for, here and in children, and nothing else', {
  skip: requireRoot(),
}, () => {
  const result = runScript(`
    const { execFileSync } = await import('node:child_process');
    const netRaw = 1n << 13n;
    io.restrictPrivileges(netRaw);
    console.log(execFileSync('grep', ['-E', '^(Cap(Inh|Prm|Eff|Amb)|NoNewPrivs)', '/proc/self/status'], { encoding: 'utf8' }));
    io.restrictPrivileges(0n);
    try { io.openSender(4, 65536); } catch (error) { console.log(error.code); }`);
  const words = result.stdout.split(/\s+/).filter((word) => word !== '');
  const mask = (value: bigint) => value.toString(16).padStart(16, '0');
  const kept = mask(1n << 13n);
  assert.deepEqual(
    words,
    ['CapInh:', mask(0n), 'CapPrm:', kept, 'CapEff:', kept].concat([
      'CapAmb:',
      mask(0n),
      'NoNewPrivs:',
      '1',
      'EPERM',
    ]),
    result.stderr,
  );
});
