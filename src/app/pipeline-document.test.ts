import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { pino } from 'pino';
import { PipelineDocument } from './pipeline-document.ts';
import { makePipelineFolders, pipelineFolders } from './pipeline-folders.ts';

const DOCUMENT = 'pipelines: [{name: a, producer: {kind: stdout}}] # mine\n';

function makeFolder(t: TestContext): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'floxy-document-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test('what the API sets is kept as it was written, and is there after a restart', async (t) => {
  const options = { file: undefined, folder: makeFolder(t), env: {} };
  const first = new PipelineDocument(options);
  assert.deepEqual((await first.read()).pipelines, []);
  const config = await first.replace(DOCUMENT);
  assert.deepEqual(
    config.pipelines.map(({ name }) => name),
    ['a'],
  );
  const second = new PipelineDocument(options);
  assert.equal((await second.read()).pipelines.length, 1);
  assert.equal(second.text, DOCUMENT);
  assert.equal(statSync(path.join(options.folder, 'pipelines.yaml')).mode & 0o777, 0o600);
});

test('a document that is wrong changes nothing', async (t) => {
  const options = { file: undefined, folder: makeFolder(t), env: { HOME: '/root' } };
  const document = new PipelineDocument(options);
  await document.replace(DOCUMENT);
  const refused = async (text: string, message: RegExp) => {
    await assert.rejects(document.replace(text), { code: 'INVALID_INPUT', message });
    assert.equal(document.text, DOCUMENT);
  };
  await refused('pipelines: [{name: A}]', /^pipelines:1:13: .*\npipelines:1:20: /);
  const secret = (value: string) =>
    `pipelines: [{name: a, producer: {kind: stdout}, enrich: {names: {file: "${value}"}}}]`;
  await refused(secret('$' + '{HOME}'), /begin with FLOXY_SECRET_/);
  await refused('pipelines: [{name: a, producer: {kind: ./x.mjs}}]', /their code is run/);
});

test('pipelines of a file are changed there', async (t) => {
  const folder = makeFolder(t);
  const file = path.join(folder, 'flows.yaml');
  writeFileSync(file, DOCUMENT);
  const document = new PipelineDocument({ file, folder, env: {} });
  assert.equal((await document.read()).pipelines.length, 1);
  await assert.rejects(document.replace('pipelines: []'), { code: 'FILE_OWNED' });
  writeFileSync(file, 'pipelines: [');
  await assert.rejects(document.read(), { code: 'INVALID_INPUT', message: /flows\.yaml:1:13: / });
  assert.equal(document.text, DOCUMENT, 'what was right holds');
  rmSync(file);
  await assert.rejects(document.read(), { code: 'INVALID_INPUT', message: /cannot be read/ });
});

test('what cannot be kept is told', async (t) => {
  const folder = path.join(makeFolder(t), 'file');
  writeFileSync(folder, '');
  const document = new PipelineDocument({ file: undefined, folder, env: {} });
  await assert.rejects(document.replace(DOCUMENT), { code: 'STORE_UNWRITABLE' });
});

test('the folder of workers is theirs, and they can come to it', {
  skip: process.getuid?.() !== 0,
}, (t) => {
  const root = makeFolder(t);
  const database = path.join(root, 'database');
  const lines: string[] = [];
  const log = pino({ base: null }, { write: (line: string) => lines.push(line) });
  chmodSync(root, 0o755);
  const user = { name: 'floxy', uid: 65_533, gid: 65_533 };
  const folders = pipelineFolders(path.join(database, 'pipelines'));
  makePipelineFolders(folders, user, log);
  const { uid, gid, mode } = statSync(folders.workers);
  assert.deepEqual([uid, gid, mode & 0o777], [65_533, 65_533, 0o750]);
  assert.deepEqual(lines, []);
  chmodSync(root, 0o700);
  makePipelineFolders(folders, user, log);
  assert.match(lines.join(''), /cannot keep templates and spools/);
  const file = path.join(root, 'file');
  writeFileSync(file, 'x');
  makePipelineFolders(pipelineFolders(path.join(file, 'pipelines')), user, log);
  assert.match(lines.at(-1) ?? '', /make the folder/);
  assert.equal(readFileSync(file, 'utf8'), 'x');
});
