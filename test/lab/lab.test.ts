import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { Capture } from './capture.ts';
import { Lab, PROXY_V4, PROXY_V6 } from './lab.ts';
import { LinkDrops } from './link-drops.ts';
import { numberedPayload, payloadBytes } from './numbered.ts';
import { requireRoot } from './require-root.ts';
import { waitFor } from './shell.ts';
import { type Stream, UdpSockets } from './traffic.ts';

const MIXED = { mixedUpTo: 9_000 };

function streams(): Stream[] {
  const v4 = Array.from({ length: 50 }, (_, i) => ({
    stream: i,
    from: { host: `203.0.113.${i + 1}`, port: 1000 + i },
    to: { host: PROXY_V4, port: 2055 },
    sizes: MIXED,
  }));
  const v6 = Array.from({ length: 50 }, (_, i) => ({
    stream: 50 + i,
    from: { host: `2001:db8:e::${i + 1}`, port: 1000 + i },
    to: { host: PROXY_V6, port: 2055 },
    sizes: MIXED,
  }));
  return [...v4, ...v6];
}

test('numbered packets of 100 exporters arrive on the wire as they were sent', {
  skip: requireRoot(),
}, async () => {
  await using lab = await Lab.create();
  await using capture = await Capture.start(lab.proxy, 'exp');
  await using exporters = await UdpSockets.start(lab.exporters);
  const traffic = streams();
  await exporters.startTraffic({
    name: 'all',
    streams: traffic,
    packetsPerSecond: 20_000,
    packetsPerStream: 50,
  });
  const { sentPerStream, failed } = await exporters.finishTraffic('all');
  assert.deepEqual([sentPerStream, failed], [50, 0]);
  await waitFor('all packets arrived', () => capture.arrived().length >= 5_000);
  const arrived = await capture.stop();
  assert.equal(arrived.length, 5_000);
  const bySource = Map.groupBy(arrived, ({ source, sourcePort }) => `${source} ${sourcePort}`);
  for (const { stream, from, sizes } of traffic) {
    const datagrams = bySource.get(`${from.host} ${from.port}`) ?? [];
    const payloads = datagrams.map(({ payload }) => payload);
    const expected = payloads.map((_, i) =>
      numberedPayload(stream, i, payloadBytes(sizes, stream, i)),
    );
    assert.deepEqual(payloads, expected);
    assert.equal(payloads.length, 50);
  }
});

test('frames that a link drops are counted at the end that sent them', {
  skip: requireRoot(),
}, async () => {
  await using lab = await Lab.create({ exporterMtu: 9_000 });
  await using exporters = await UdpSockets.start(lab.exporters);
  const drops = await LinkDrops.start(lab.linkEnds);
  // A veth drops what is too large for its peer.
  await lab.run(lab.proxy, ['ip', 'link', 'set', 'exp', 'mtu', '1500']);
  const from = { host: '203.0.113.1', port: 1000 };
  const to = { host: PROXY_V4, port: 2055 };
  const sizes = [1_000, 3_000, 1_400, 8_000];
  await exporters.send(sizes.map((bytes) => ({ from, to, payload: Buffer.alloc(bytes) })));
  assert.deepEqual(await drops.byEnd(), [2, 0]);
  assert.equal(await drops.total(), 2);
});

test('a lab whose test was killed is removed, with its processes, when the next one starts', {
  skip: requireRoot(),
}, async () => {
  const script = `
    const { Lab, makeFolder } = await import(${JSON.stringify(new URL('lab.ts', import.meta.url).href)});
    const { spawn } = await import('node:child_process');
    const lab = await Lab.create();
    makeFolder('left');
    spawn('ip', ['netns', 'exec', lab.proxy, 'sleep', '1000'], { stdio: 'ignore' });
    process.stdout.write(lab.proxy);
    setInterval(() => {}, 1000);
  `;
  const child = spawn(process.execPath, ['--no-warnings', '--input-type=module', '-e', script]);
  const [name] = await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'exit');
  assert.ok(readdirSync('/run/netns').includes(String(name)));
  await using lab = await Lab.create();
  const left = (folder: string) =>
    readdirSync(folder).filter((entry) => entry.startsWith(`flx-${child.pid}-`));
  assert.deepEqual([...left('/run/netns'), ...left(tmpdir())], []);
  assert.deepEqual(await lab.proxyPids(), []);
});
