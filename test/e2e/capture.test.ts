import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import { COLLECTOR_HOST_V4, type Lab } from '../lab/lab.ts';
import { requireRoot } from '../lab/require-root.ts';
import { floxy } from '../lab/service.ts';
import { attempt, endProcess, HANG_MS, run, waitFor } from '../lab/shell.ts';
import { Stage } from '../lab/stage.ts';

const EXPORTER = '203.0.113.1';
const NO_RULE = '203.0.113.9';
const RULES = {
  rules: [
    { exporter: { host: EXPORTER }, outputs: [[{ host: COLLECTOR_HOST_V4, port: 2001 }]] },
    { exporter: { host: '203.0.113.2' }, outputs: [] },
  ],
  defaultOutputs: [],
};

/** `floxy capture` in the namespace of the proxy. */
class Capturing implements AsyncDisposable {
  readonly child: ChildProcess;
  readonly output: Promise<string>;
  #errors = '';
  readonly #ended: Promise<unknown>;

  constructor(lab: Lab, args: readonly string[]) {
    this.child = spawn('ip', ['netns', 'exec', lab.proxy, floxy, 'capture', ...args]);
    this.#ended = once(this.child, 'close');
    this.output = text(this.child.stdout as NodeJS.ReadableStream);
    this.child.stderr?.setEncoding('utf8').on('data', (data: string) => {
      this.#errors += data;
    });
  }

  /** What it says at its end. */
  async end(): Promise<string> {
    await this.#ended;
    assert.equal(this.child.exitCode, 0, this.#errors);
    return this.#errors.trim();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await endProcess(this.child, 'SIGKILL', HANG_MS);
  }
}

/** The log says so when forwarders know of it: what is sent from then on is captured. */
async function hasBegun(stage: Stage, count = 1): Promise<void> {
  await waitFor(
    () => `${count} captures have begun: ${stage.service.log}`,
    () => stage.service.log.split('a capture has begun').length > count,
  );
}

function payloads(count: number, bytes = 100): Buffer[] {
  return Array.from({ length: count }, (_, i) => Buffer.alloc(bytes, `payload ${i} `));
}

async function send(stage: Stage, host: string, port: number, sent: readonly Buffer[]) {
  return stage.exchange(sent.map((payload) => ({ from: { host, port }, payload })));
}

/** Source, ports and payload of each packet, as tshark reads them; checksums have to be right. */
async function readPcap(file: string): Promise<string[][]> {
  const fields = ['ip.src', 'ipv6.src', 'udp.srcport', 'udp.dstport', 'udp.payload', 'frame.len'];
  const checks = ['-o', 'udp.check_checksum:TRUE', '-o', 'ip.check_checksum:TRUE'];
  const names = [...fields, 'udp.checksum.status', 'ip.checksum.status'];
  const options = names.flatMap((name) => ['-e', name]);
  const output = await run([
    'tshark',
    '-r',
    file,
    ...checks,
    '-d',
    'udp.port==2055,data',
    '-T',
    'fields',
    ...options,
  ]);
  return output
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const [ipv4 = '', ipv6 = '', from = '', to = '', payload = '', , udpStatus, ipStatus] =
        line.split('\t');
      assert.equal(udpStatus, '1', line);
      assert.ok(ipStatus === '1' || ipv6 !== '', line);
      return [ipv4 || ipv6, from, to, Buffer.from(payload, 'hex').toString()];
    });
}

describe('floxy capture', { skip: requireRoot() }, () => {
  test('A50: packets of an exporter as they arrived, in a file that tshark reads; those of others are not in it', async () => {
    await using stage = await Stage.start();
    await stage.api.replace(RULES);
    const file = join(stage.service.folder, 'one.pcap');
    await using capturing = new Capturing(stage.lab, [EXPORTER, '-w', file, '-c', '7']);
    await hasBegun(stage);
    await send(stage, NO_RULE, 5000, payloads(3));
    const sent = [...payloads(5), Buffer.alloc(1472, 'x'), Buffer.alloc(1, 'y')];
    const arrived = await send(stage, EXPORTER, 5001, sent);
    assert.equal(arrived.length, 7, 'they are forwarded all the same');
    assert.equal(await capturing.end(), '7 packets, 1,973 bytes of payload; 0 lost to the capture');
    assert.deepEqual(
      await readPcap(file),
      sent.map((payload) => [EXPORTER, '5001', '2055', payload.toString()]),
    );
    assert.equal((await run(['stat', '-c', '%a', file])).trim(), '600');
    const log = stage.service.log;
    assert.match(log, /"a capture has begun"/);
    assert.match(log, /"packets":7,.*"a capture has ended"/);
  });

  test('A50: also those that no rule matches, that a rule drops, of IPv6, and of one port', async () => {
    await using stage = await Stage.start();
    await stage.api.replace(RULES);
    const files = ['all', 'port'].map((name) => join(stage.service.folder, `${name}.pcap`));
    await using all = new Capturing(stage.lab, ['all', '-w', files[0] ?? '', '-c', '4']);
    await using port = new Capturing(stage.lab, [
      '203.0.113.2:5001',
      '-w',
      files[1] ?? '',
      '-c',
      '1',
    ]);
    await hasBegun(stage, 2);
    await stage.exchange([
      { from: { host: NO_RULE, port: 5000 }, payload: Buffer.from('no rule') },
      { from: { host: '203.0.113.2', port: 5000 }, payload: Buffer.from('dropped') },
      { from: { host: '203.0.113.2', port: 5001 }, payload: Buffer.from('dropped too') },
      { from: { host: '2001:db8:e::1', port: 5000 }, payload: Buffer.from('of IPv6') },
    ]);
    await Promise.all([all.end(), port.end()]);
    const [seen = [], seenPort = []] = await Promise.all(files.map(readPcap));
    assert.deepEqual(seen.toSorted(), [
      ['2001:db8:e::1', '5000', '2055', 'of IPv6'],
      ['203.0.113.2', '5000', '2055', 'dropped'],
      ['203.0.113.2', '5001', '2055', 'dropped too'],
      [NO_RULE, '5000', '2055', 'no rule'],
    ]);
    assert.deepEqual(seenPort, [['203.0.113.2', '5001', '2055', 'dropped too']]);
  });

  test('A50: what was cut is marked, and a line tells of each packet where there is no file', async () => {
    await using stage = await Stage.start();
    await stage.api.replace(RULES);
    await using capturing = new Capturing(stage.lab, [NO_RULE, '-c', '2']);
    await hasBegun(stage);
    const netflow = Buffer.alloc(60);
    netflow.writeUInt16BE(9, 0);
    await send(stage, NO_RULE, 5000, [netflow, Buffer.alloc(3000, 'x')]);
    assert.match(
      await capturing.end(),
      /^2 packets, 1,556 bytes of payload, 1 of them cut to COLLECTOR_/,
    );
    const lines = (await capturing.output).trim().split('\n');
    assert.match(
      lines[0] ?? '',
      /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6} 203\.0\.113\.9:5000 > :2055 NetFlow v9, 60 bytes$/,
    );
    assert.match(lines[1] ?? '', / UDP, 1496 bytes, cut$/);
  });

  test('A51: it ends by seconds, by bytes, by Ctrl-C, and when nobody reads the pipe', async () => {
    await using stage = await Stage.start();
    await stage.api.replace(RULES);
    await using seconds = new Capturing(stage.lab, [EXPORTER, '-s', '1']);
    assert.match(await seconds.end(), /^0 packets/);
    await using bytes = new Capturing(stage.lab, [EXPORTER, '--bytes', '250']);
    await hasBegun(stage, 2);
    await send(stage, EXPORTER, 5000, payloads(9));
    assert.match(await bytes.end(), /^3 packets, 300 bytes/);

    const file = join(stage.service.folder, 'interrupted.pcap');
    await using interrupted = new Capturing(stage.lab, [EXPORTER, '-w', file]);
    await hasBegun(stage, 3);
    await send(stage, EXPORTER, 5000, payloads(2));
    await waitFor('two packets are in the file', () => readFileSync(file).length === 24 + 2 * 144);
    interrupted.child.kill('SIGINT');
    assert.match(await interrupted.end(), /^2 packets, 200 bytes/);
    assert.equal((await readPcap(file)).length, 2);

    await using piped = new Capturing(stage.lab, [EXPORTER, '-w', '-']);
    piped.child.stdout?.destroy();
    piped.output.catch(() => undefined);
    await hasBegun(stage, 4);
    await send(stage, EXPORTER, 5000, payloads(2));
    await send(stage, EXPORTER, 5000, payloads(2));
    await piped.end();
    await waitFor(
      'all have ended',
      () => stage.service.log.split('a capture has ended').length === 5,
    );
  });

  test('A51: eight at once, each with its own; the ninth is refused, and leaves no file', async () => {
    await using stage = await Stage.start();
    await stage.api.replace(RULES);
    await using resources = new AsyncDisposableStack();
    const captures = Array.from({ length: 8 }, (_, i) =>
      resources.use(new Capturing(stage.lab, [`${EXPORTER}:${6000 + i}`, '-c', '1', '-w', '-'])),
    );
    await hasBegun(stage, 8);
    const file = join(stage.service.folder, 'ninth.pcap');
    const ninth = await attempt([
      'ip',
      'netns',
      'exec',
      stage.lab.proxy,
      floxy,
      'capture',
      'all',
      '-w',
      file,
    ]);
    assert.equal(ninth.status, 1);
    assert.match(ninth.stderr, /RESOURCE_EXHAUSTED: 8 callers watch already/);
    assert.equal(existsSync(file), false);
    const from = (i: number) => ({ host: EXPORTER, port: 6000 + i });
    await stage.exchange(captures.map((_, i) => ({ from: from(i), payload: Buffer.from(`${i}`) })));
    for (const capturing of captures) assert.match(await capturing.end(), /^1 packets, 1 bytes/);
  });

  test('A50, R18, R19: packets of a prefix, and of one that names a listening port', async () => {
    await using stage = await Stage.start();
    await stage.api.replace(RULES);
    // The other one is not in it.
    const network = '203.0.113.0/29';
    await using all = new Capturing(stage.lab, [network, '-c', '3', '-s', '20']);
    await hasBegun(stage);
    await using own = new Capturing(stage.lab, [`${network}@2055`, '-c', '3', '-s', '20']);
    await hasBegun(stage, 2);
    await using other = new Capturing(stage.lab, [`${network}@9995`, '-s', '3']);
    await hasBegun(stage, 3);
    await send(stage, NO_RULE, 5000, payloads(2));
    await send(stage, EXPORTER, 5000, payloads(3));
    assert.match(await all.end(), /^3 packets/);
    assert.match(await own.end(), /^3 packets/);
    assert.match(await other.end(), /^0 packets/);
    const { log } = stage.service;
    assert.ok(log.includes(`"exporter":"${network}@2055"`), 'the log names what is captured');
  });

  test('A51: a capture that is not read slows nothing, and goes on over the death of a forwarder', async () => {
    await using stage = await Stage.start({ settings: { COLLECTOR_FLOXY_THREAD_COUNT: '1' } });
    await stage.api.replace(RULES);
    await using stopped = new Capturing(stage.lab, ['all', '-c', '1000000', '-w', '-']);
    await hasBegun(stage);
    stopped.child.kill('SIGSTOP');
    await using other = new Capturing(stage.lab, [EXPORTER, '-c', '3000', '-s', '600']);
    await hasBegun(stage, 2);
    const [pid = 0] = await stage.service.forwarderPids();
    process.kill(pid, 'SIGKILL');
    await waitFor('there is another forwarder', async () =>
      (await stage.service.forwarderPids()).some((is) => is !== pid),
    );
    await stage.service.waitForState('OK');
    const sent = payloads(3000, 1400);
    for (let i = 0; i < sent.length; i += 500) {
      const arrived = await send(stage, EXPORTER, 5000, sent.slice(i, i + 500));
      assert.equal(arrived.length, 500);
    }
    assert.match(await other.end(), /^3,000 packets, 4,200,000 bytes of payload; 0 lost/);
  });

  test('bad requests are refused', async () => {
    await using stage = await Stage.start();
    const call = (args: readonly string[]) =>
      attempt(['ip', 'netns', 'exec', stage.lab.proxy, floxy, 'capture', ...args]);
    const many = await call(['all', '-c', '1000001', '-s', '3601']);
    assert.equal(many.status, 2);
    assert.match(many.stderr, /packets: must be 1 to 1000000; seconds: must be 1 to 3600/);
    assert.equal((await call(['nonsense'])).status, 2);
    const bits = await call(['10.20.1.0/16']);
    assert.equal(bits.status, 2);
    assert.match(bits.stderr, / exporter: 10\.20\.1\.0\/16 has bits .* 10\.20\.0\.0\/16$/m);
    const unwritable = await call([EXPORTER, '-w', '/nowhere/x.pcap']);
    assert.equal(unwritable.status, 1);
    assert.match(unwritable.stderr, /\/nowhere\/x\.pcap cannot be written: /);
  });
});
