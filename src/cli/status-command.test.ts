import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startFakeApi } from '../../test/cli/fake-api.ts';
import { runFloxy } from '../../test/cli/fake-terminal.ts';

const SECOND_MS = 1000;
const ago = (seconds: number) => new Date(Date.now() - seconds * SECOND_MS).toISOString();

const FINE = {
  verdict: 'OK',
  proxy: { state: 'OK' },
  database: { state: 'OK' },
  build: { version: '0.2.0', commit: 'f67e15c0123' },
  forwarders: [{ index: 0 }, { index: 1 }],
  listening: ['[::]:2055'],
  revision: '71',
  rules: '412',
  defaultOutputs: '1',
  recent: {
    seconds: 300.2,
    received: { packetsPerSecond: 41_234.2, bytesPerSecond: 57_600_000 },
    forwarded: { packetsPerSecond: 82_468.4, bytesPerSecond: 115_200_000 },
  },
  now: {
    seconds: 10.1,
    received: { packetsPerSecond: 40_001 },
    forwarded: { packetsPerSecond: 80_002 },
  },
};

const status = async (answer: object, ...options: string[]) => {
  await using api = await startFakeApi({ answer: JSON.parse(JSON.stringify(answer)) });
  const run = await runFloxy(['status', ...options, '--api', `127.0.0.1:${api.port}`]);
  return { ...run, calls: api.calls.map(({ method }) => method) };
};

test('S20: status says first that all is well, then the rates and losses, and nothing else', async () => {
  const run = await status({ ...FINE, startedAt: ago(273_600.2), countersSince: ago(273_610) });
  assert.deepEqual(run, {
    exitCode: 0,
    output: `OK  floxy 0.2.0 (f67e15c) up 3d 4h, [::]:2055, 2 forwarders, revision 71, 412 rules, 1 default output
in 41.2k pps 57.6 MB/s, out 82.5k pps 115 MB/s, lost 0 in 5m; now in 40k pps, out 80k pps
`,
    errors: '',
    calls: ['GetOverview'],
  });
});

test('S20: status says below what is wrong and what to do, and exits with 1', async () => {
  const lost = [
    { kind: 'kernel drops', packets: '1200', advice: 'more forwarders' },
    { kind: 'truncated', packets: '34', advice: 'raise it' },
  ];
  const run = await status({
    ...FINE,
    verdict: 'Degraded',
    startedAt: ago(3700),
    countersSince: ago(7230),
    recent: { ...FINE.recent, seconds: 19.7, losses: lost },
    now: undefined,
    problems: [
      { what: 'database: the disk is full \u001b[2J' },
      { what: '1200 lost', advice: 'more forwarders, `COLLECTOR_FLOXY_THREAD_COUNT`' },
    ],
  });
  const lines = run.output.split('\n');
  assert.match(lines[0] ?? '', /^Degraded {2}floxy 0\.2\.0 .* up 1h 1m \(counting for 2h\), /);
  assert.match(lines[1] ?? '', /, lost 1,234 in 20s$/);
  assert.deepEqual(lines.slice(2), [
    '',
    '- database: the disk is full \\u001b[2J',
    '- 1200 lost',
    '  more forwarders, COLLECTOR_FLOXY_THREAD_COUNT',
    '',
  ]);
  assert.equal(run.exitCode, 1);
});

test('S20: status of a node that is off, or has not found its rules yet', async () => {
  const run = await status({
    verdict: 'Offline',
    startedAt: ago(3700),
    build: { version: '0.2.0' },
  });
  assert.equal(
    run.output,
    'Offline  floxy 0.2.0 () up 1h 1m, the proxy is off, rules not known yet\nno traffic was measured yet\n',
  );
  assert.equal(run.exitCode, 1);
});

test('status prints JSON and text with the exit status of the state', async () => {
  const json = await status({ ...FINE, verdict: 'Configuring' }, '-o', 'json');
  assert.equal(JSON.parse(json.output).forwarders.length, 2);
  assert.equal(json.exitCode, 1);
  const text = await status(FINE, '--format', 'text');
  assert.match(
    text.output,
    /^proxy: \{state: OK\}\ndatabase: \{state: OK\}\nforwarders: \{index: 0\}\n/,
  );
  assert.equal(text.exitCode, 0);
});

test('S21: status --settings prints what the service says, not the variables of this shell', async () => {
  const settings = [
    { variable: 'COLLECTOR_LOG_LEVEL', value: 'warn', meaning: 'how much `log`' },
    { variable: 'COLLECTOR_FLOXY_ADDRESS' },
  ];
  const run = await status({ settings }, '--settings');
  assert.deepEqual(run, {
    exitCode: 0,
    output: 'COLLECTOR_LOG_LEVEL=warn  # how much log\nCOLLECTOR_FLOXY_ADDRESS=  # \n',
    errors: '',
    calls: ['GetServiceSettings'],
  });
});
