import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Capture } from './capture.ts';
import { Lab, PROXY_V4, PROXY_V6 } from './lab.ts';
import { numberedPayload, payloadBytes } from './numbered.ts';
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

test('numbered packets of 100 exporters arrive on the wire as they were sent', async () => {
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
