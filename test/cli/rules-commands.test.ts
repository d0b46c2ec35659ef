/** `floxy rules …` against a real node: check, diff, get, set, edit, dry runs and messages. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { CliError, EXIT } from '../../src/cli/exit.ts';
import { Node } from '../follower/node.ts';
import { host, outputs, rule, ruleSet } from '../support/rule-sets.ts';
import { startFakeApi } from './fake-api.ts';
import { type RunOptions, runFloxy } from './fake-terminal.ts';

/** Where files are kept that were edited for nothing. */
const folder = mkdtempSync(join(tmpdir(), 'floxy-edited-'));
process.env['TMPDIR'] = folder;
after(() => rmSync(folder, { recursive: true }));

const PRESENT = ruleSet(
  [rule('192.0.2.1', ['198.51.100.1:9995']), rule('192.0.2.2:1000', ['198.51.100.1'])],
  outputs(['198.51.100.9']),
);

/** Another collector for 192.0.2.1, and no rule for 192.0.2.2. */
const FILE = `# new
rules: {
  exporter: {endpoint: {host: "192.0.2.1"}}
  outputs: {collectors: {endpoint: {host: "198.51.100.7" port: 9995}}}
}
rules: {exporter: {endpoint: {host: "192.0.2.3"}}}
default_outputs: {collectors: {endpoint: {host: "198.51.100.9"}}}
`;

const DIFFERENCE = `~ 192.0.2.1       - 198.51.100.1:9995  + 198.51.100.7:9995  (f:2)
+ 192.0.2.3       none, its packets are dropped  (f:6)
- 192.0.2.2:1000  198.51.100.1
1 added, 1 removed, 1 changed
`;

async function node(): Promise<Node> {
  const started = await Node.start({ hostAddresses: () => host(['203.0.113.1']) });
  await started.control.change({ kind: 'replace', ruleSet: PRESENT });
  return started;
}

const rules = ({ address }: { readonly address: string }, args: string[], options?: RunOptions) =>
  runFloxy(['--api', address, 'rules', ...args], options);

test('rules diff tells what a file would change, with its lines, and exits with 1', async () => {
  await using here = await node();
  const run = await rules(here, ['diff', 'f'], { files: { f: FILE } });
  assert.deepEqual(run, { exitCode: 1, output: DIFFERENCE, errors: '' });
  assert.equal(here.control.rules().revision, 1);
  await rules(here, ['replace', 'f'], { files: { f: FILE } });
  const same = await rules(here, ['diff', '-'], { files: { '-': FILE } });
  assert.deepEqual(same, { exitCode: 0, output: 'no difference\n', errors: '' });
});

test('rules diff exits with 2 for a file that is wrong, and wants a file or a node', async () => {
  await using here = await node();
  const wrong = await rules(here, ['diff', 'f'], { files: { f: 'rules {}' } });
  assert.deepEqual(wrong.exitCode, 2);
  assert.equal(wrong.errors, 'f:1:1: rules[0].exporter.endpoint: missing\n');
  assert.equal((await rules(here, ['diff', 'f', '--with', here.address])).exitCode, 2);
});

test('A40: --dry-run prints what would change and changes nothing', async () => {
  await using here = await node();
  const dry = 'dry run, nothing was changed: revision 1 stays\n';
  const options = { files: { f: FILE } };
  const replaced = await rules(here, ['replace', 'f', '--dry-run'], options);
  assert.deepEqual(replaced, { exitCode: 0, output: DIFFERENCE + dry, errors: '' });
  const updated = await rules(here, ['update', 'f', '--dry-run'], options);
  assert.match(
    updated.output,
    /^~ 192\.0\.2\.1 .*\n\+ 192\.0\.2\.3 .*\n1 added, 0 removed, 1 changed\n/,
  );
  const deleted = await rules(here, ['delete', '192.0.2.1', '--dry-run']);
  assert.equal(
    deleted.output,
    `- 192.0.2.1  198.51.100.1:9995\n0 added, 1 removed, 0 changed\n${dry}`,
  );
  const set = await rules(here, ['set', '192.0.2.1', '198.51.100.8', '--dry-run']);
  assert.match(set.output, /^~ 192\.0\.2\.1 {2}- 198\.51\.100\.1:9995 {2}\+ 198\.51\.100\.8\n/);
  assert.equal((await rules(here, ['delete', '192.0.2.9', '--dry-run'])).exitCode, 1);
  assert.deepEqual(here.control.rules(), { revision: 1, ruleSet: PRESENT });
});

test('A40: --dry-run tells what only the service can find wrong, with its place', async () => {
  await using here = await node();
  const files = {
    'f.json': '{"default_outputs": [\n {"collectors": [{"endpoint": {"host": "203.0.113.1"}}]}]}',
  };
  const run = await rules(here, ['replace', 'f.json', '--dry-run'], { files });
  assert.deepEqual(run, {
    exitCode: 2,
    output: '',
    errors:
      'f.json:2:19: default_outputs[0].collectors[0].endpoint: 203.0.113.1 port 2055 is the proxy itself: packets would circle\n',
  });
  const real = await rules(here, ['replace', 'f.json'], { files });
  assert.deepEqual(real, run);
});

test('A40: a dry run is not asked of a service that would take it for a change', async () => {
  await using api = await startFakeApi({
    answer: {},
    headers: { 'collector-rules-revision': '1' },
  });
  const run = await rules({ address: `127.0.0.1:${api.port}` }, [
    'delete',
    '192.0.2.1',
    '--dry-run',
  ]);
  assert.equal(run.exitCode, 1);
  assert.match(run.errors, /older and knows no dry runs: it would make the change/);
  assert.deepEqual(
    api.calls.map(({ method }) => method),
    ['GetBuildInfo'],
  );
});

test('A41: --message goes with the change, and a bad one is refused before anything is asked', async () => {
  await using api = await startFakeApi({ answer: {} });
  const at = { address: `127.0.0.1:${api.port}` };
  const run = await rules(at, ['delete', '192.0.2.1', '-m', 'CHG1 № 100 %']);
  assert.equal(run.exitCode, 0, run.errors);
  const { headers } = api.calls[0] ?? {};
  assert.equal(headers?.['collector-change-message'], encodeURIComponent('CHG1 № 100 %'));
  for (const message of ['two\nlines', 'x'.repeat(513)]) {
    assert.equal((await rules(at, ['delete', '192.0.2.1', '-m', message])).exitCode, 2);
  }
  assert.equal(api.calls.length, 1);
});

test('R17: a pipeline that the node does not have is warned of', async () => {
  await using here = await node();
  const run = await rules(here, ['set', '192.0.2.1', 'pipeline:edge', '198.51.100.1']);
  assert.equal(run.exitCode, 0);
  assert.match(run.errors, /^floxy: warning: this node has no pipeline edge: /);
  assert.deepEqual(here.control.rules().ruleSet.rules[0]?.outputs[0], { pipeline: 'edge' });
});

test('rules check tells all that is wrong with a file, without a service', async () => {
  const check = (f: string, ...args: string[]) =>
    runFloxy(['rules', 'check', 'f', ...args], {
      files: { f, 'p.yaml': 'pipelines:\n  - name: archive\n' },
    });
  assert.deepEqual(await check(FILE), {
    exitCode: 0,
    output: 'f is fine: 2 rules, 1 default output\n',
    errors: '',
  });
  const wrong = await check(`${FILE}rules {
  exporter {endpoint {host: "192.0.2.1"}}
  outputs {collectors {endpoint {host: "224.0.0.1"}}}
}`);
  assert.equal(wrong.exitCode, 2);
  assert.equal(
    wrong.errors,
    `f:9:13: rules[2].exporter.endpoint: exporter 192.0.2.1 has a rule already, rules[0] (line 2)
f:10:24: rules[2].outputs[0].collectors[0].endpoint: 224.0.0.1 is a multicast address
`,
  );
  const piped = 'default_outputs {pipeline: "archive"}\ndefault_outputs {pipeline: "edge"}';
  assert.match((await check(piped)).output, /, 2 pipelines named\n$/);
  assert.equal(
    (await check(piped, '--pipelines', 'p.yaml')).errors,
    'f:2:28: default_outputs[1].pipeline: p.yaml has no pipeline edge\n',
  );
});

test('rules get prints single rules, and says what else there is at the address', async () => {
  await using here = await node();
  const found = await rules(here, ['get', '192.0.2.2:1000', '192.0.2.1']);
  const hosts = [...found.output.matchAll(/host: "([\d.]+)"/g)].map(([, name]) => name);
  assert.deepEqual(hosts, ['192.0.2.2', '198.51.100.1', '192.0.2.1', '198.51.100.1']);
  const json = await rules(here, ['get', '192.0.2.1', '--format', 'json']);
  assert.equal(JSON.parse(json.output).rules.length, 1);
  const missing = await rules(here, ['get', '192.0.2.2']);
  assert.deepEqual(missing, {
    exitCode: 1,
    output: '',
    errors: 'floxy: no rule for exporter 192.0.2.2; there is one for 192.0.2.2:1000\n',
  });
});

test('rules set gives one exporter its outputs, in every way of writing them', async () => {
  await using here = await node();
  const first = '198.51.100.1:9995=3,[2001:db8::1]:9995';
  const run = await rules(here, ['set', '192.0.2.7', first, '198.51.100.2', 'pipeline:archive']);
  assert.equal(run.exitCode, 0, run.errors);
  const shown = await rules(here, ['get', '192.0.2.7', '--format', 'json']);
  assert.deepEqual(JSON.parse(shown.output).rules[0].outputs, [
    {
      collectors: [
        { endpoint: { host: '198.51.100.1', port: 9995 }, weight: 3 },
        { endpoint: { host: '2001:db8::1', port: 9995 } },
      ],
    },
    { collectors: [{ endpoint: { host: '198.51.100.2' } }] },
    { pipeline: 'archive' },
  ]);
  await rules(here, ['set', '192.0.2.7', '--drop']);
  await rules(here, ['set', 'default', '198.51.100.3']);
  const { rules: all, defaultOutputs } = here.control.rules().ruleSet;
  assert.deepEqual(all.at(-1), rule('192.0.2.7'));
  assert.deepEqual(defaultOutputs, outputs(['198.51.100.3']));
  for (const bad of [
    ['192.0.2.7'],
    ['192.0.2.7', '198.51.100.1', '--drop'],
    ['default', '--drop'],
    ['router', '198.51.100.1'],
    ['192.0.2.7', 'collector.example:9995'],
    ['192.0.2.7', '198.51.100.1=0'],
    ['192.0.2.7', 'pipeline:BAD'],
  ]) {
    assert.equal((await rules(here, ['set', ...bad])).exitCode, 2, bad.join(' '));
  }
});

/** Where rules edit says that the file is. */
function keptFile(errors: string): string {
  const [, file] = /^what you wrote is in (\S+):/m.exec(errors) ?? [];
  assert.ok(file, errors);
  return file;
}

const otherCollector = (text: string) => text.replace('"198.51.100.9"', '"198.51.100.8"');

test('rules edit shows what was edited, asks, and changes it', async () => {
  await using here = await node();
  const run = await rules(here, ['edit', '--revision'], {
    edits: [otherCollector],
    answers: ['y'],
  });
  assert.equal(run.exitCode, 0, run.errors);
  assert.match(
    run.output,
    /^~ default outputs {2}- 198\.51\.100\.9 {2}\+ 198\.51\.100\.8 {2}\(line \d+\)\n/,
  );
  assert.match(run.errors, /^change this\? \[y\/N\/e\(dit again\)\] y\nrevision: 2\n$/);
  assert.deepEqual(here.control.rules().ruleSet.defaultOutputs, outputs(['198.51.100.8']));
});

test('rules edit changes nothing when nothing was edited, or the answer is no, or nobody answers', async () => {
  await using here = await node();
  const same = await rules(here, ['edit'], { edits: [(text) => text] });
  assert.deepEqual(same, { exitCode: 0, output: 'no difference\n', errors: '' });
  const no = await rules(here, ['edit'], { edits: [otherCollector], answers: [''] });
  assert.equal(no.exitCode, 0);
  assert.match(readFileSync(keptFile(no.errors), 'utf8'), /198\.51\.100\.8/);
  const nobody = await rules(here, ['edit'], { edits: [otherCollector] });
  assert.equal(nobody.exitCode, 2);
  keptFile(nobody.errors);
  assert.equal(here.control.rules().revision, 1);
});

test('rules edit lets mistakes be mended, and keeps the file when they are not', async () => {
  await using here = await node();
  const broken = (text: string) => `${text}\nrules {`;
  const mended = await rules(here, ['edit', '--yes'], {
    edits: [broken, (text) => otherCollector(text).replace('\nrules {', '')],
    answers: ['y'],
  });
  assert.equal(mended.exitCode, 0, mended.errors);
  assert.match(mended.errors, /rules\.txtpb:\d+:\d+: this Rule does not end: \} is missing\n/);
  assert.equal(here.control.rules().revision, 2);
  const left = await rules(here, ['edit'], { edits: [broken], answers: ['n'] });
  assert.equal(left.exitCode, 2);
  assert.match(readFileSync(keptFile(left.errors), 'utf8'), /rules \{$/);
  assert.equal(here.control.rules().revision, 2);
});

test('A9: rules edit refuses when somebody else changed the rules meanwhile, and says where the file is', async () => {
  await using here = await node();
  const other = { kind: 'edit', deleted: [], upserts: [rule('192.0.2.50')] } as const;
  const changes: Promise<unknown>[] = [];
  const run = await rules(here, ['edit', '--yes'], {
    edits: [
      (text) => {
        changes.push(here.control.change(other));
        return otherCollector(text);
      },
    ],
  });
  await Promise.all(changes);
  assert.equal(run.exitCode, 1);
  assert.match(run.errors, /somebody else changed the rules since revision 1: nothing was changed/);
  assert.match(readFileSync(keptFile(run.errors), 'utf8'), /198\.51\.100\.8/);
  assert.deepEqual(here.control.rules().ruleSet.defaultOutputs, PRESENT.defaultOutputs);
  assert.equal(here.control.rules().ruleSet.rules.length, 3);
});

test('rules edit leaves no file when the editor could not be run', async () => {
  await using here = await node();
  const before = readdirSync(folder);
  const run = await rules(here, ['edit'], {
    edits: [
      () => {
        throw new CliError(EXIT.failed, 'the editor ended with status 127');
      },
    ],
  });
  assert.deepEqual(run, {
    exitCode: 1,
    output: '',
    errors: 'floxy: the editor ended with status 127\n',
  });
  assert.deepEqual(readdirSync(folder), before);
});

test('rules edit says how many rules go when all do', async () => {
  await using here = await node();
  const run = await rules(here, ['edit'], { edits: [() => ''], answers: ['n'] });
  assert.match(run.errors, /delete ALL 3 rules\? /);
  assert.equal(here.control.rules().revision, 1);
});

test('rules replace refuses an empty file, and prints nothing when it worked', async () => {
  await using here = await node();
  const refused = await rules(here, ['replace', 'f'], { files: { f: '' } });
  assert.equal(refused.exitCode, 2);
  assert.match(refused.errors, /f has neither rules nor default outputs: pass --allow-empty/);
  const meant = await rules(here, ['replace', 'f', '--allow-empty'], { files: { f: '' } });
  assert.deepEqual(meant, { exitCode: 0, output: '', errors: '' });
  assert.equal(here.control.rules().ruleSet.rules.length, 0);
});
