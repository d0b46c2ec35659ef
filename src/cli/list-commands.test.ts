import assert from 'node:assert/strict';
import { test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { startFakeApi } from '../../test/cli/fake-api.ts';
import { runFloxy } from '../../test/cli/fake-terminal.ts';

const RULES = {
  rules: [
    {
      exporter: { endpoint: { host: '192.0.2.1', port: 1000 } },
      outputs: [{ collectors: [{ endpoint: { host: '198.51.100.1', port: 2055 } }] }, {}],
    },
  ],
};

function at(port: number): string[] {
  return ['--api', `127.0.0.1:${port}`];
}

test('S22: rules list and stats send what is wanted to the service', async () => {
  await using api = await startFakeApi({ answer: [] });
  const wanted = ['--exporter', '192.0.2.0/24', '--collector', '198.51.100.1:5', '--limit', '7'];
  for (const command of [['rules', 'list'], ['stats']]) {
    const run = await runFloxy([...command, ...wanted, '--pipeline', 'a', 'b', ...at(api.port)]);
    assert.deepEqual([run.exitCode, run.output, run.errors], [0, '', '']);
  }
  const filter = {
    exporters: ['192.0.2.0/24'],
    collectors: ['198.51.100.1:5'],
    pipelines: ['a', 'b'],
  };
  assert.deepEqual(
    api.calls.map(({ method, request }) => [method, request]),
    [
      ['ListRules', { filter, limit: 7 }],
      ['ListStats', { filter, limit: 7 }],
    ],
  );
  assert.equal((await runFloxy(['stats', '192.0.2.1', '--limit', '7'])).exitCode, 2);
});

test('S22: parts of a list become one, as text, JSON and a table', async () => {
  const [rule] = RULES.rules;
  const other = { exporter: { endpoint: { host: '2001:db8::1', port: 5 } } };
  const outputs = [{ collectors: [{ endpoint: { host: '198.51.100.9' }, weight: 3 }] }];
  const parts = [
    { revision: '7' },
    { rules: [rule, other] },
    { rules: [other] },
    { defaultOutputs: [...outputs, { pipeline: 'a' }] },
  ];
  await using api = await startFakeApi({ answer: JSON.parse(JSON.stringify(parts)) });
  const list = (output: string) => runFloxy(['rules', 'list', '-o', output, ...at(api.port)]);
  assert.deepEqual(JSON.parse((await list('json')).output), {
    rules: [rule, other, other],
    defaultOutputs: [...outputs, { pipeline: 'a' }],
  });
  assert.equal(
    (await list('table')).output,
    `EXPORTER         OUTPUTS
192.0.2.1:1000   198.51.100.1:2055;${' '}
[2001:db8::1]:5  - (dropped)
[2001:db8::1]:5  - (dropped)
default          198.51.100.9 weight 3; pipeline a
`.replaceAll(/ +$/gm, ''),
  );
  const { output } = await list('text');
  await runFloxy(['rules', 'replace', ...at(api.port)], { files: { '-': output } });
  assert.deepEqual(api.calls.at(-1)?.request, JSON.parse((await list('json')).output));
});

test('S5: tables print names and descriptions with what they are of', async () => {
  const counts = { packets: '1', bytes: '2' };
  const words = { name: 'archive', description: 'kept for a year' };
  const collector = { endpoint: { host: '198.51.100.1' }, description: 'nfcapd 1' };
  const exporter = { endpoint: { host: '192.0.2.1' } };
  const rule = {
    exporter,
    description: 'core router',
    outputs: [
      { collectors: [collector], ...words },
      { pipeline: 'flows', name: 'live' },
    ],
  };
  await using rules = await startFakeApi({ answer: [{ rules: [rule] }] });
  const list = await runFloxy(['rules', 'list', '-o', 'table', ...at(rules.port)]);
  assert.equal(
    list.output,
    `EXPORTER                 OUTPUTS
192.0.2.1 (core router)  archive: 198.51.100.1 (nfcapd 1) (kept for a year); live: pipeline flows
`,
  );
  const ruleStats = {
    exporter: { ...exporter, input: counts },
    description: 'core router',
    outputs: [
      { collectors: [{ ...collector, output: counts }], ...words },
      { pipeline: { name: 'flows', output: counts }, name: 'live' },
    ],
  };
  await using stats = await startFakeApi({ answer: [{ rules: [ruleStats] }] });
  const table = await runFloxy(['stats', '-o', 'table', ...at(stats.port)]);
  assert.equal(
    table.output,
    `EXPORTER                 PACKETS  BYTES  TO                                SENT  SENT BYTES
192.0.2.1 (core router)        1      2  archive: 198.51.100.1 (nfcapd 1)     1           2
                                         live: pipeline flows                 1           2
`,
  );
});

test('stats as a table has a row for each collector', async () => {
  const counts = (packets: number) => ({ packets: `${packets}`, bytes: `${packets * 100}` });
  const output = {
    collectors: [
      { endpoint: { host: '198.51.100.1', port: 5 }, output: counts(7) },
      { endpoint: { host: '198.51.100.2' }, output: counts(8) },
    ],
  };
  const exporter = { endpoint: { host: '192.0.2.1' }, input: counts(15) };
  const parts = [{ rules: [{ exporter, outputs: [output] }] }, { mismatched: counts(3) }];
  await using api = await startFakeApi({ answer: parts });
  const run = await runFloxy(['stats', '-o', 'table', ...at(api.port)]);
  assert.equal(
    run.output,
    `EXPORTER   PACKETS  BYTES  TO              SENT  SENT BYTES
192.0.2.1       15   1500  198.51.100.1:5     7         700
                           198.51.100.2       8         800
no rule          3    300  -
`,
  );
});

test('R20 to R22: tables show how outputs choose, and what they left out', async () => {
  const collectors = [
    { endpoint: { host: '198.51.100.1' } },
    { endpoint: { host: '198.51.100.2' } },
  ];
  const filter = {
    protocols: ['NETFLOW_V9', 'IPFIX'],
    observationDomains: [1, 2],
    listeningPorts: [2055],
  };
  const agents = { agents: [{ host: '192.0.2.7' }] };
  const defaultOutputs = [
    { collectors, balance: 'BY_EXPORTER', filter, sampleOneIn: 10 },
    { pipeline: 'a', filter: agents },
  ];
  await using rules = await startFakeApi({ answer: [{ defaultOutputs }] });
  const list = await runFloxy(['rules', 'list', '-o', 'table', ...at(rules.port)]);
  assert.equal(
    list.output,
    `EXPORTER  OUTPUTS
default   198.51.100.1 | 198.51.100.2, by exporter, only NETFLOW_V9/IPFIX domain 1/2 to port 2055, 1 in 10; pipeline a, only agent 192.0.2.7
`,
  );
  const counts = (packets: number) => ({ packets: `${packets}`, bytes: `${packets * 100}` });
  const output = {
    collectors: [
      { endpoint: { host: '198.51.100.1', port: 5 }, output: counts(2) },
      { endpoint: { host: '198.51.100.2' }, output: counts(0), health: 'down' },
    ],
    filteredOut: counts(5),
    sampledOut: counts(18),
  };
  const answer = [{ defaultOutputs: [output], mismatched: counts(25) }];
  await using stats = await startFakeApi({ answer });
  const run = await runFloxy(['stats', '-o', 'table', ...at(stats.port)]);
  assert.equal(
    run.output,
    `EXPORTER  PACKETS  BYTES  TO                   SENT  SENT BYTES
no rule        25   2500  198.51.100.1:5          2         200
                          198.51.100.2 (down)     0           0
                          - (filtered out)        5         500
                          - (sampled out)        18        1800
`,
  );
});

test('an exporter without a rule that may have been meant with a port is told so', async () => {
  const details = 'no rule for exporter fd10::3:3000';
  await using api = await startFakeApi({ code: status.NOT_FOUND, details });
  const run = await runFloxy(['stats', 'fd10::3:3000', ...at(api.port)]);
  assert.deepEqual(run, {
    exitCode: 1,
    output: '',
    errors: `floxy: NOT_FOUND: ${details}; did you mean [fd10::3]:3000?\n`,
  });
  const none = await runFloxy(['stats', '2001:db8::abcd', '192.0.2.1', ...at(api.port)]);
  assert.equal(none.errors, `floxy: NOT_FOUND: ${details}\n`);
});

test('a service that does not know a call is of another version, and that is said', async () => {
  await using api = await startFakeApi({ code: status.UNIMPLEMENTED, details: 'no' });
  const run = await runFloxy(['status', ...at(api.port)]);
  assert.equal(run.exitCode, 1);
  assert.match(run.errors, /does not know View\/GetOverview: it is another version .*build-info/);
});
