import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { startFakeApi } from '../../test/cli/fake-api.ts';
import { runFloxy } from '../../test/cli/fake-terminal.ts';
import { packageRoot } from '../package-root.ts';
import { canonicaliseRuleSet } from '../rules/canonicalise.ts';
import type { RuleSetMessage } from '../rules/message.ts';
import { validateChange } from '../rules/validate.ts';

const REVISION = { 'collector-rules-revision': '7' };
const RULES = {
  rules: [
    {
      exporter: { endpoint: { host: '192.0.2.1', port: 1000 } },
      outputs: [{ collectors: [{ endpoint: { host: '198.51.100.1', port: 2055 } }] }, {}],
    },
  ],
};
/** As the service sends them: the revision, then rules, then default outputs. */
const LISTED = [{ revision: '7' }, RULES, {}];
const RULES_TEXT = `rules: {
    exporter: {
        endpoint: {host: "192.0.2.1" port: 1000}
    }
    outputs: {
        collectors: {
            endpoint: {host: "198.51.100.1" port: 2055}
        }
    }
    outputs: {}
}
`;

function at(port: number): string[] {
  return ['--api', `127.0.0.1:${port}`];
}

test('A1, A9: rules list prints the revision as a comment and compact text', async () => {
  await using api = await startFakeApi({ answer: LISTED });
  const run = await runFloxy([...at(api.port), 'rules', 'list']);
  assert.deepEqual(run, { exitCode: 0, output: `# revision: 7\n${RULES_TEXT}`, errors: '' });
  assert.deepEqual([api.calls[0]?.method, api.calls[0]?.request], ['ListRules', { filter: {} }]);
  assert.equal(api.calls[0]?.headers['collector-address-format'], undefined);
});

test('E4: rules list passes the address format on and prints JSON without a comment', async () => {
  await using api = await startFakeApi({ answer: LISTED });
  const formats = ['--format', 'json', '--address-format', 'binary', '--revision'];
  const run = await runFloxy(['rules', 'list', ...formats, ...at(api.port)]);
  assert.deepEqual(JSON.parse(run.output), RULES);
  assert.equal(run.errors, 'revision: 7\n');
  assert.equal(api.calls[0]?.headers['collector-address-format'], 'binary');
});

test('A2, A9: rules replace sends a text file and the expected revision, and prints nothing', async () => {
  await using api = await startFakeApi({ answer: {}, headers: REVISION });
  const run = await runFloxy(
    ['rules', 'replace', 'my.txtpb', '--expected-revision', '6', ...at(api.port)],
    { files: { 'my.txtpb': `# comment\n${RULES_TEXT}` } },
  );
  assert.deepEqual(run, { exitCode: 0, output: '', errors: '' });
  assert.deepEqual([api.calls[0]?.method, api.calls[0]?.request], ['ReplaceProxyRules', RULES]);
  assert.equal(api.calls[0]?.headers['collector-expected-rules-revision'], '6');
});

test('A3: rules update reads JSON from standard input and tells the new revision when asked', async () => {
  await using api = await startFakeApi({ answer: {}, headers: REVISION });
  const run = await runFloxy(['rules', 'update', '--format=json', '--revision', ...at(api.port)], {
    files: { '-': JSON.stringify(RULES) },
  });
  assert.deepEqual(run, { exitCode: 0, output: '', errors: 'revision: 7\n' });
  assert.deepEqual([api.calls[0]?.method, api.calls[0]?.request], ['UpdateProxyRules', RULES]);
});

test('what rules list prints can be given to rules replace', async () => {
  await using api = await startFakeApi({ answer: LISTED });
  const listed = await runFloxy(['rules', 'list', ...at(api.port)]);
  await using other = await startFakeApi({ answer: {} });
  await runFloxy(['rules', 'replace', ...at(other.port)], { files: { '-': listed.output } });
  assert.deepEqual(other.calls[0]?.request, RULES);
});

test('rules replace refuses an input without rules, unless that is wanted', async () => {
  await using api = await startFakeApi({ answer: {} });
  const files = { '-': '# nothing\n' };
  const refused = await runFloxy(['rules', 'replace', ...at(api.port)], { files });
  assert.equal(refused.exitCode, 2);
  assert.match(
    refused.errors,
    /standard input has neither rules nor default outputs.*--allow-empty/,
  );
  assert.equal(api.calls.length, 0);
  const allowed = await runFloxy(['rules', 'replace', '--allow-empty', ...at(api.port)], { files });
  assert.equal(allowed.exitCode, 0);
  assert.deepEqual(api.calls[0]?.request, {});
});

test('A4: rules delete takes exporters as arguments', async () => {
  await using api = await startFakeApi({ answer: {} });
  const exporters = [
    '192.0.2.1:1000',
    '[2001:DB8::1]:1000',
    '2001:db8::2',
    '[2001:db8::3]',
    '192.0.2.4',
  ];
  const run = await runFloxy(['rules', 'delete', ...exporters, ...at(api.port)]);
  assert.equal(run.exitCode, 0, run.errors);
  assert.equal(api.calls[0]?.method, 'DeleteProxyRules');
  assert.deepEqual(api.calls[0]?.request, {
    exporters: [
      { endpoint: { host: '192.0.2.1', port: 1000 } },
      { endpoint: { host: '2001:db8::1', port: 1000 } },
      { endpoint: { host: '2001:db8::2' } },
      { endpoint: { host: '2001:db8::3' } },
      { endpoint: { host: '192.0.2.4' } },
    ],
  });
});

test('A4: rules delete takes a request from a file', async () => {
  await using api = await startFakeApi({ answer: {} });
  const run = await runFloxy(['rules', 'delete', '--file', 'gone.txtpb', ...at(api.port)], {
    files: { 'gone.txtpb': 'exporters: {endpoint: {host: "192.0.2.1"}}' },
  });
  assert.equal(run.exitCode, 0, run.errors);
  assert.deepEqual(api.calls[0]?.request, { exporters: [{ endpoint: { host: '192.0.2.1' } }] });
});

test('A5: stats prints counters on one line, and asks for the exporters given', async () => {
  const answer = {
    rules: [
      {
        exporter: { endpoint: { host: '192.0.2.1' }, input: { packets: '1', bytes: '160' } },
        outputs: [
          {
            collectors: [
              {
                endpoint: { host: '198.51.100.1', port: 2055 },
                output: { packets: '18446744073709551615', bytes: '0' },
              },
            ],
          },
        ],
      },
    ],
    mismatched: { packets: '5', bytes: '800' },
  };
  await using api = await startFakeApi({ answer });
  const run = await runFloxy(['stats', '192.0.2.1', ...at(api.port)]);
  assert.equal(
    run.output,
    `rules: {
    exporter: {
        endpoint: {host: "192.0.2.1"}
        input: {packets: 1 bytes: 160}
    }
    outputs: {
        collectors: {
            endpoint: {host: "198.51.100.1" port: 2055}
            output: {packets: 18446744073709551615 bytes: 0}
        }
    }
}
mismatched: {packets: 5 bytes: 800}
`,
  );
  assert.deepEqual(api.calls[0]?.request, { exporters: [{ endpoint: { host: '192.0.2.1' } }] });
});

test('build-info prints text, or JSON when asked, also by the earlier name of the option', async () => {
  await using api = await startFakeApi({ answer: { version: '0.1.0', pid: 4711 } });
  const text = await runFloxy(['build-info', ...at(api.port)]);
  assert.equal(text.output, 'version: "0.1.0"\npid: 4711\n');
  for (const option of [['-o', 'json'], ['--format=json']]) {
    const json = await runFloxy(['build-info', ...option, ...at(api.port)]);
    assert.deepEqual(JSON.parse(json.output), { version: '0.1.0', pid: 4711 });
  }
  assert.equal((await runFloxy(['build-info', '-o', 'table', ...at(api.port)])).exitCode, 2);
});

test('health exits with 0 when serving and with 1 when not', async () => {
  await using serving = await startFakeApi({ answer: { status: 'SERVING' } });
  assert.deepEqual(await runFloxy(['health', ...at(serving.port)]), {
    exitCode: 0,
    output: 'SERVING\n',
    errors: '',
  });
  assert.deepEqual(serving.calls[0]?.request, {});
  await using failing = await startFakeApi({ answer: { status: 'NOT_SERVING' } });
  const run = await runFloxy(['health', ...at(failing.port)]);
  assert.deepEqual([run.exitCode, run.output], [1, 'NOT_SERVING\n']);
});

const REFUSALS = [
  ['input', 2, status.INVALID_ARGUMENT, 'rules[3].exporter.endpoint.port: 70000 is above 65535'],
  ['a change', 1, status.ABORTED, 'the rules are at revision 8, not 7'],
] as const;

for (const [what, exitCode, code, details] of REFUSALS) {
  test(`${what} that the service refuses exits with ${exitCode} and shows code and message`, async () => {
    await using api = await startFakeApi({ code, details });
    const files = { '-': RULES_TEXT };
    const run = await runFloxy(['rules', 'update', ...at(api.port)], { files });
    assert.deepEqual(run, { exitCode, output: '', errors: `floxy: ${status[code]}: ${details}\n` });
  });
}

test('what a server writes cannot steer the terminal', async () => {
  const details = 'no\u001b[2J\u009b2J';
  await using api = await startFakeApi({ code: status.ABORTED, details });
  const run = await runFloxy(['rules', 'list', ...at(api.port)]);
  assert.equal(run.errors, 'floxy: ABORTED: no\\u001b[2J\\u009b2J\n');
});

test('input that the service refuses is told with its line', async () => {
  const details = 'rules[1].exporter.endpoint.port: 70000 is above 65535';
  await using api = await startFakeApi({ code: status.INVALID_ARGUMENT, details });
  const files = { f: 'rules: {\n}\n\nrules: {\n}\n' };
  const run = await runFloxy(['rules', 'update', 'f', ...at(api.port)], { files });
  assert.equal(run.errors, 'f:4:1: rules[1].exporter.endpoint.port: 70000 is above 65535\n');
});

test('a file whose name ends in .json is JSON, unless --format says something else', async () => {
  await using api = await startFakeApi({ answer: {} });
  const files = { 'rules.json': '{"rules": [{"exporter": {"endpoint": {"host": "192.0.2.1"}}}]}' };
  const run = await runFloxy(['rules', 'replace', 'rules.json', ...at(api.port)], { files });
  assert.deepEqual([run.exitCode, run.errors], [0, '']);
  assert.match(JSON.stringify(api.calls[0]?.request), /192\.0\.2\.1/);
  const args = ['rules', 'replace', '--format=text', 'rules.json', ...at(api.port)];
  assert.equal((await runFloxy(args, { files })).exitCode, 2);
});

test('UNAVAILABLE from a service that runs exits with 1, not as if it could not be reached', async () => {
  await using api = await startFakeApi({
    code: status.UNAVAILABLE,
    details: 'rules are being restored',
  });
  const run = await runFloxy(['rules', 'list', ...at(api.port)]);
  assert.deepEqual(run.errors, 'floxy: UNAVAILABLE: rules are being restored\n');
  assert.equal(run.exitCode, 1);
});

test('an API that does not answer in time exits with 3', async () => {
  await using api = await startFakeApi('silence');
  const run = await runFloxy(['stats', '--timeout', '0.2', ...at(api.port)]);
  assert.equal(run.exitCode, 3);
  assert.match(run.errors, /did not answer within 0\.2 s/);
  assert.doesNotMatch(run.errors, /change/);
});

test('a change without an answer in time says that it may be in force or not', async () => {
  await using api = await startFakeApi('silence');
  const args = ['rules', 'delete', '192.0.2.1', '--timeout', '0.2', ...at(api.port)];
  const run = await runFloxy(args);
  assert.equal(run.exitCode, 3);
  assert.match(run.errors, /The change may be in force or not: `floxy rules list` tells\.\n$/);
});

test('examples/rules.txtpb goes through rules replace', async () => {
  await using api = await startFakeApi({ answer: {} });
  const text = readFileSync(path.join(packageRoot, 'examples/rules.txtpb'), 'utf8');
  const files = { 'rules.txtpb': text };
  const run = await runFloxy(['rules', 'replace', 'rules.txtpb', ...at(api.port)], { files });
  assert.equal(run.exitCode, 0, run.errors);
  // Users of grpcurl strip comments by line: this must not change what the file says.
  const stripped = { '-': text.replaceAll(/#.*/g, '') };
  await runFloxy(['rules', 'replace', ...at(api.port)], { files: stripped });
  assert.deepEqual(api.calls[1]?.request, api.calls[0]?.request);
  // The API of this test takes anything: the real one has to take it as well.
  const message: RuleSetMessage = JSON.parse(JSON.stringify(api.calls[0]?.request), (key, value) =>
    key === 'octets' ? Buffer.from(value, 'base64') : value,
  );
  const ruleSet = canonicaliseRuleSet(message);
  const host = { listenPorts: [2055], isLocal: () => false, isBroadcast: () => false };
  validateChange({ kind: 'replace', ruleSet }, host);
});
