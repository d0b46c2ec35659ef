import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { pino } from 'pino';
import { makePackets } from '../../model/packets.ts';
import { CrashFolder } from './crash-folder.ts';
import { GuardedWalker } from './guarded-walker.ts';
import { Pace } from './pace.ts';
import { SeldomLog } from './seldom-log.ts';
import { sentLog } from './sent-log.ts';

function makeLog() {
  const lines: Record<string, unknown>[] = [];
  const log = pino({ base: null }, { write: (line: string) => lines.push(JSON.parse(line)) });
  return { log, lines };
}

function makeFolder(t: TestContext): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'floxy-worker-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** Datagrams of IPv4 and IPv6 in turn, of so many octets that are their number. */
function datagrams(count: number, octets: number) {
  const packets = makePackets(count, octets);
  packets.count = count;
  for (let i = 0; i < count; i++) {
    packets.lengths[i] = octets;
    packets.bytes.fill(i, i * octets, (i + 1) * octets);
    packets.sources.set(i % 2 === 0 ? [0, 0, 0xffff, 0xc0000201] : [0x20010db8, 0, 0, 1], i * 4);
    packets.ports[i] = 5000;
    packets.listenPorts[i] = 2055;
    packets.receivedMs[i] = 1_700_000_000_123.5;
  }
  return packets;
}

test('a datagram at which a decoder fails is counted, told, kept as pcap, and the next ones are decoded', (t) => {
  const folder = makeFolder(t);
  const { log, lines } = makeLog();
  const decoded: number[] = [];
  const inner = {
    datagram: (_: unknown, index: number) => {
      if (index === 1 || index === 2) throw new TypeError('a fault');
      decoded.push(index);
    },
    endBatch: () => {
      throw new TypeError('a fault');
    },
  };
  const crashes = new CrashFolder(path.join(folder, 'failed'), 'shard-0');
  const walker = new GuardedWalker(inner, crashes, new SeldomLog(log));
  const packets = datagrams(4, 100);
  for (let i = 0; i < 4; i++) walker.datagram(packets, i);
  assert.deepEqual(decoded, [0, 3]);
  assert.equal(walker.failed, 2);
  assert.equal(lines.length, 1, 'told once');
  assert.equal(lines[0]?.['error'], 'a fault');
  const files = readdirSync(path.join(folder, 'failed'));
  assert.equal(files.length, 2);
  const file = readFileSync(String(lines[0]?.['file']));
  assert.equal(file.readUInt32LE(0), 0xa1b2c3d4);
  assert.equal(file.readUInt32LE(20), 101);
  assert.equal(file.readUInt32LE(24), 1_700_000_000);
  assert.equal(file.readUInt32LE(28), 123_500);
  const packet = file.subarray(40);
  assert.equal(packet[0], 0x60);
  assert.equal(packet.length, 40 + 8 + 100);
  assert.deepEqual(packet.subarray(48), Buffer.alloc(100, 1));
  walker.endBatch();
  assert.equal(walker.failed, 3, 'and at the end of a batch');
});

test('the folder of such datagrams is bounded in files and bytes', (t) => {
  const folder = makeFolder(t);
  const many = new CrashFolder(path.join(folder, 'many'), 'a');
  const small = datagrams(1, 10);
  for (let i = 0; i < 40; i++) many.keep(small, 0);
  assert.equal(readdirSync(path.join(folder, 'many')).length, 32);
  assert.equal(many.keep(small, 0), undefined);
});

test('the same thing is said once in ten seconds, with how often it was not said', () => {
  const { log, lines } = makeLog();
  let now = 0;
  const seldom = new SeldomLog(log, () => now);
  for (now = 0; now < 25_000; now += 1000) seldom.error({ now }, 'a thing');
  seldom.warn({}, 'another');
  const said = lines.map(({ msg, suppressed }) => [msg, suppressed]);
  assert.deepEqual(said, [
    ['a thing', undefined],
    ['a thing', 9],
    ['a thing', 9],
    ['another', undefined],
  ]);
});

test('log lines that control does not take are dropped and counted, and nothing waits', () => {
  const sent: { line: string; done: () => void }[] = [];
  const log = sentLog('info', (message, done) => {
    if (message.kind === 'log') sent.push({ line: message.line, done });
  });
  for (let i = 0; i < 1100; i++) log.info({ i }, 'x');
  assert.equal(sent.length, 1000);
  for (const { done } of sent.splice(0)) done();
  assert.match(sent[0]?.line ?? '', /"lines":100/);
});

test('batches go out when they are old, or when nothing comes any more', () => {
  const pace = new Pace(1000);
  pace.traffic(0);
  assert.equal(pace.isDue(5, 0), false);
  for (let now = 1; now < 1000; now += 5) {
    pace.traffic(now);
    assert.equal(pace.isDue(5, now), false, `${now}`);
  }
  pace.traffic(1000);
  assert.equal(pace.isDue(5, 1000), true, 'old');
  assert.equal(pace.isDue(0, 1001), false);
  assert.equal(pace.isDue(5, 1005), false);
  assert.equal(pace.isDue(5, 1010), true, 'idle');
});

test('it is looked often after traffic, and seldom when nothing comes', () => {
  const pace = new Pace(1000);
  pace.traffic(1000);
  assert.deepEqual(
    [1001, 1049, 1060, 1200, 1390, 5000].map((now) => pace.waitMs(now)),
    [1, 1, 5, 10, 20, 20],
  );
});
