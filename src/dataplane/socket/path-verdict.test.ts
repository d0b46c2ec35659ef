import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { PathVerdict, type RealTraffic } from './path-verdict.ts';

function start() {
  const logged: { level: number; msg: string; cause?: string }[] = [];
  const log = pino({}, { write: (line) => logged.push(JSON.parse(line)) });
  return { verdict: new PathVerdict('127.0.0.1:2055', log), logged };
}

/** Forwarders that have received, and forwarded, so many packets. */
function traffic(...counts: readonly [received: number, forwarded: number][]): RealTraffic[] {
  return counts.map(([received, forwarded], index) => ({
    index,
    received: { packets: BigInt(received), bytes: 0n },
    forwarded: { packets: BigInt(forwarded), bytes: 0n },
  }));
}

test('datagrams that do not come back, and no packets: a failure that names the firewall and the setting', () => {
  const { verdict, logged } = start();
  for (let i = 0; i < 3; i++) {
    verdict.observe({ failing: 16, sources: 16, forwarders: traffic([5, 5], [0, 0]) });
    assert.match(verdict.failure ?? '', /^test datagrams to 127\.0\.0\.1:2055 do not come back/);
    assert.match(verdict.failure ?? '', /firewall/);
    assert.match(verdict.failure ?? '', /COLLECTOR_FLOXY_PROBE_INTERVAL_MS=0/);
  }
  verdict.observe({ failing: 0, sources: 16, forwarders: traffic([5, 5], [0, 0]) });
  verdict.observe({ failing: 0, sources: 16, forwarders: traffic([5, 5], [0, 0]) });
  assert.equal(verdict.failure, undefined);
  // It is a state of the proxy, which is told by whoever looks at states.
  assert.deepEqual(logged, []);
});

test('packets that are forwarded while no datagram comes back are proof of life, also when they pause', () => {
  const { verdict, logged } = start();
  verdict.observe({ failing: 16, sources: 16, forwarders: traffic([5, 5], [0, 0]) });
  verdict.observe({ failing: 16, sources: 16, forwarders: traffic([6, 6], [0, 0]) });
  assert.equal(verdict.failure, undefined);
  verdict.observe({ failing: 16, sources: 16, forwarders: traffic([6, 6], [0, 0]) });
  assert.equal(verdict.failure, undefined);
  assert.match(logged[0]?.msg ?? '', /real packets are forwarded/);
  assert.match(logged[0]?.cause ?? '', /firewall/);
  assert.equal(logged.length, 1);
});

test('packets that are taken and not forwarded are no proof of life', () => {
  const { verdict } = start();
  verdict.observe({ failing: 16, sources: 16, forwarders: traffic([5, 5]) });
  verdict.observe({ failing: 16, sources: 16, forwarders: traffic([9, 5]) });
  assert.match(verdict.failure ?? '', /do not come back/);
});

test('one forwarder at work does not speak for another whose datagrams alone do not come back', () => {
  const { verdict } = start();
  verdict.observe({ failing: 8, sources: 16, forwarders: traffic([5, 5], [5, 5]) });
  verdict.observe({ failing: 8, sources: 16, forwarders: traffic([9, 9], [5, 5]) });
  assert.match(verdict.failure ?? '', /8 of 16/);
  verdict.observe({ failing: 8, sources: 16, forwarders: traffic([9, 9], [9, 9]) });
  assert.equal(verdict.failure, undefined);
});

test('datagrams are believed again once they have come back', () => {
  const { verdict, logged } = start();
  verdict.observe({ failing: 2, sources: 2, forwarders: traffic([5, 5]) });
  verdict.observe({ failing: 2, sources: 2, forwarders: traffic([6, 6]) });
  verdict.observe({ failing: 0, sources: 2, forwarders: traffic([6, 6]) });
  verdict.observe({ failing: 2, sources: 2, forwarders: traffic([6, 6]) });
  assert.equal(logged[1]?.msg, 'test datagrams come back: they are believed again');
  assert.match(verdict.failure ?? '', /do not come back/);
});
