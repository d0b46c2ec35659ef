import assert from 'node:assert/strict';
import { test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { startFakeApi } from '../../test/cli/fake-api.ts';
import { FakeScreen, runFloxy } from '../../test/cli/fake-terminal.ts';
import { waitFor } from '../../test/lab/shell.ts';

const LOOK = {
  exporters: [
    {
      endpoint: { host: '192.0.2.1', port: 1000 },
      rule: { host: '192.0.2.1' },
      state: 'Sending',
      received: { packets: '1200000', bytes: '1' },
      rate: { packetsPerSecond: 41_234, bytesPerSecond: 57_600_000 },
      protocol: 'NETFLOW_V9',
      protocols: ['NETFLOW_V9', 'SFLOW_V5'],
      missed: [{ protocol: 'NETFLOW_V9', lost: '12', sequences: 2 }, { protocol: 'SFLOW_V5' }],
      lastSeen: new Date().toISOString(),
      lost: '7',
    },
    { endpoint: { host: '192.0.2.2', port: 9 }, state: 'Unknown', protocol: 'OTHER' },
    {
      endpoint: { host: '192.0.2.3' },
      rule: { host: '192.0.2.3' },
      state: 'Silent',
      expectEvery: '5m',
    },
  ],
  collectors: [
    {
      endpoint: { host: '10.20.0.77', port: 5 },
      outputs: 1,
      neighbour: 'failed',
      sender: 'kernel',
      health: { state: 'down', check: 'PORT' },
      problem: 'does not answer (no ARP answer)',
      errors: [{ code: 'ENETUNREACH', count: '20' }],
    },
  ],
};
const TOTAL = {
  seconds: 2,
  received: { packetsPerSecond: 41_234, bytesPerSecond: 57_600_000 },
  losses: [{ kind: 'kernel drops', packets: '3' }],
};
const COUNTS = { exporterCount: '120', collectorCount: '1' };
const ANSWER = JSON.parse(JSON.stringify([LOOK, { ...COUNTS, total: TOTAL, last: true }]));

const EXPORTERS = `EXPORTER        RULE         PPS    BYTES/S  PACKETS  LOST  MISSED        PROTOCOL            LAST SEEN  STATE
192.0.2.1:1000  192.0.2.1  41.2k  57.6 MB/s     1.2M     7  12 datagrams  NetFlow 9, sFlow 5  0s ago     ok
192.0.2.2:9     default        0      0 B/s        0     0  -             other               never      unknown
192.0.2.3       192.0.2.3      0      0 B/s        0     0  -             -                   never      silent (expected every 5m)
`;
const TOP_EXPORTERS = `EXPORTER        RULE         PPS    BYTES/S  PACKETS  LOST  PROTOCOL   LAST SEEN  STATE
192.0.2.1:1000  192.0.2.1  41.2k  57.6 MB/s     1.2M     7  NetFlow 9  0s ago     ok
192.0.2.2:9     default        0      0 B/s        0     0  other      never      unknown
192.0.2.3       192.0.2.3      0      0 B/s        0     0  -          never      silent
`;
const COLLECTORS = `COLLECTOR     PPS  BYTES/S  SENT  ERRORS          SENDER  NEIGHBOUR  HEALTH       STATE
10.20.0.77:5    0    0 B/s     0  ENETUNREACH 20  kernel  failed     down (PORT)  does not answer (no ARP answer)
`;
const HEAD = 'in 41.2k pps 57.6 MB/s, out 0 pps 0 B/s, lost 3 (kernel drops 3)';

const at = (port: number) => ['--api', `127.0.0.1:${port}`];
/** However long ago that is by now, in a column that is wide enough for all of it. */
const steady = (text: string) =>
  text.replaceAll(/\d+m?s? ago +/g, (found) => '0s ago'.padEnd(found.length));

test('S22: exporters and collectors are tables of one look', async () => {
  await using api = await startFakeApi({ answer: ANSWER });
  const exporters = await runFloxy(['exporters', '192.0.2.0/24', '--unknown', ...at(api.port)]);
  assert.equal(steady(exporters.output), EXPORTERS);
  const options = ['--sort', 'lost', '--limit', '3', '--interval', '2.5'];
  const collectors = await runFloxy(['collectors', ...options, ...at(api.port)]);
  assert.equal(collectors.output, COLLECTORS);
  const common = { count: 1, order: 'Packets', intervalSeconds: 1 };
  assert.deepEqual(
    api.calls.map(({ request }) => request),
    [
      {
        ...common,
        exporters: true,
        choice: 'Unknown',
        silentSeconds: 300,
        filter: { exporters: ['192.0.2.0/24'] },
      },
      { ...common, collectors: true, filter: {}, order: 'Lost', limit: 3, intervalSeconds: 2.5 },
    ],
  );
  const json = await runFloxy(['collectors', '-o', 'json', ...at(api.port)]);
  assert.deepEqual(JSON.parse(json.output), { ...LOOK, ...COUNTS, total: TOTAL });
});

test('S22: without a terminal top prints looks as lines, and ends after so many', async () => {
  await using api = await startFakeApi({ answer: ANSWER });
  const run = await runFloxy(['top', '--once', ...at(api.port)]);
  const [first = '', ...rest] = run.output.split('\n');
  assert.match(first, /^\d{4}-\d\d-\d\dT[\d:.]+Z {2}in 41\.2k pps/);
  assert.equal(steady(rest.join('\n')), `${TOP_EXPORTERS}\n${COLLECTORS}\n`);
  const [{ request } = { request: {} }] = api.calls;
  assert.deepEqual(request, {
    exporters: true,
    collectors: true,
    choice: 'Sending',
    filter: {},
    order: 'Packets',
    limit: 10,
    intervalSeconds: 2,
    count: 1,
  });
  const json = await runFloxy(['top', '-n', '1', '-o', 'json', ...at(api.port)]);
  assert.deepEqual(JSON.parse(json.output), { ...LOOK, ...COUNTS, total: TOTAL });
});

test('S22: on a terminal top draws in place, hears keys and changes of size, and leaves it as it was', async () => {
  await using api = await startFakeApi({ answer: ANSWER });
  const screen = new FakeScreen(120, 14);
  const run = runFloxy(['top', '--interval', '0.5', ...at(api.port)], { screen });
  await screen.shows(/192\.0\.2\.1:1000/);
  const lines = screen.lines();
  assert.equal(lines.length, 14);
  assert.match(
    lines[0] ?? '',
    /^floxy top {2}127\.0\.0\.1:\d+ {2}\d\d:\d\d:\d\d UTC {2}sorted by packets {2}120 exporters, 1 collector$/,
  );
  assert.equal(lines[1], HEAD);
  assert.equal(steady(`${lines.slice(2, 6).join('\n')}\n`), TOP_EXPORTERS);
  assert.equal(`${lines.slice(7, 9).join('\n')}\n`, COLLECTORS);
  assert.match(lines[13] ?? '', /^q quit/);
  screen.press('l');
  await screen.shows(/sorted by lost/);
  const asked = () => api.calls.map(({ request }) => (request as { order: string }).order);
  await waitFor('the service is asked for that order', () => asked().at(-1) === 'Lost');
  screen.resize(60, 8);
  await screen.shows(/^q quit/m);
  const small = screen.lines();
  assert.equal(small.length, 8);
  assert.ok(small.every((line) => line.length <= 60));
  screen.press('q');
  const { exitCode, output } = await run;
  assert.equal(exitCode, 0);
  assert.ok(output.startsWith('\u001b[?1049h\u001b[?25l'));
  assert.ok(output.endsWith('\u001b[?25h\u001b[?1049l'));
  assert.equal(screen.listeners, 0);
});

test('top on a terminal waits for a service that has gone, and gives up when it is refused', async () => {
  const gone = await startFakeApi({ answer: ANSWER });
  await gone[Symbol.asyncDispose]();
  const screen = new FakeScreen(300, 14);
  const run = runFloxy(['top', '--interval', '0.5', ...at(gone.port)], { screen });
  await screen.shows(/cannot reach the API/);
  screen.press('\u0003');
  assert.equal((await run).exitCode, 0);
  await using refusing = await startFakeApi({ code: status.PERMISSION_DENIED, details: 'no' });
  const refused = await runFloxy(['top', ...at(refusing.port)], { screen: new FakeScreen(80, 14) });
  assert.equal(refused.exitCode, 1);
  assert.match(refused.errors, /^floxy: PERMISSION_DENIED: no\. .* root may; .*\n$/);
  assert.ok(refused.output.endsWith('\u001b[?25h\u001b[?1049l'));
});
