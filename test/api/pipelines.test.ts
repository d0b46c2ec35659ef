import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runFloxy } from '../cli/fake-terminal.ts';
import { startApi } from './harness.ts';

test('the pipelines document is shown and replaced', async () => {
  await using api = await startApi();
  const floxy = (args: readonly string[], document = '') =>
    runFloxy(['--api', api.address, ...args], { files: { '-': document } });
  const shown = await floxy(['pipelines', 'show']);
  assert.deepEqual(shown, { exitCode: 0, output: 'pipelines: []\n', errors: '' });
  const document = 'pipelines:\n  - {name: a, producer: {kind: stdout}} # ü\n';
  assert.equal((await floxy(['pipelines', 'replace'], document)).exitCode, 0);
  assert.equal(api.pipelines.document.text, document);
  assert.equal((await floxy(['pipelines', 'show'])).output, document);
  const wrong = await floxy(['pipelines', 'replace', '-'], 'nothing');
  assert.equal(wrong.exitCode, 2);
  assert.match(wrong.errors, /pipelines:1:1: wrong/);
  assert.match(wrong.errors, /pipelines:2:1: also wrong/);
  assert.equal(api.pipelines.document.text, document);
});

test('pipelines that a file owns are shown with it, and not replaced', async () => {
  await using api = await startApi();
  api.pipelines.document = { text: 'pipelines: []\n', file: '/etc/floxy/pipelines.yaml' };
  const args = ['--api', api.address];
  const shown = await runFloxy([...args, 'pipelines', 'show']);
  assert.equal(shown.output, '# /etc/floxy/pipelines.yaml\npipelines: []\n');
  const replaced = await runFloxy([...args, 'pipelines', 'replace'], {
    files: { '-': 'pipelines:' },
  });
  assert.equal(replaced.exitCode, 1);
  assert.match(replaced.errors, /FAILED_PRECONDITION.*those of \/etc\/floxy\/pipelines\.yaml/);
});
