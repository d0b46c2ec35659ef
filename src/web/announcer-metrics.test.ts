import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { makeAnnouncerServer } from './announcer-metrics.ts';

test('S30: the announcer has pages of its own', async () => {
  const figures = {
    announced: new Map([['192.0.2.100', true]]),
    isWanted: true,
    ...{ good: 4, bad: 1, announcements: 1, withdrawals: 0, failures: 2 },
  };
  const source = { startedAt: new Date(5000), figures: () => figures };
  const address = { octets: Uint8Array.of(127, 0, 0, 1), port: 0 };
  const server = makeAnnouncerServer(source, address, pino({ enabled: false }));
  await server.start();
  try {
    const url = `http://127.0.0.1:${server.boundPort}`;
    assert.equal(await (await fetch(`${url}/healthz`)).text(), 'ok\n');
    const page = await (await fetch(`${url}/metrics`)).text();
    assert.match(page, /^floxy_announce_announced\{address="192\.0\.2\.100"\} 1$/m);
    assert.match(page, /^floxy_announce_changes_total\{result="failed"\} 2$/m);
    assert.match(page, /^process_start_time_seconds 5$/m);
  } finally {
    await server.stop();
  }
});
