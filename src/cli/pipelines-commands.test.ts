import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { runFloxy } from '../../test/cli/fake-terminal.ts';

const PLUG_IN = `export default {
  name: 'mine',
  options: { safeParse: (data) => ({ success: true, data }) },
  create() {},
};`;

test('pipelines check tells what is wrong, one line each, and exits with 2', async (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'floxy-pipelines-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = path.join(folder, 'flows.yaml');
  const check = (text: string) =>
    runFloxy(['pipelines', 'check', file], { files: { [file]: text } });
  writeFileSync(path.join(folder, 'mine.mjs'), PLUG_IN);
  const good = await check(
    'pipelines: [{name: a, producer: {kind: stdout}}, {name: b, producer: {kind: ./mine.mjs}}]',
  );
  assert.deepEqual(good, { exitCode: 0, output: `${file} is fine: a, b\n`, errors: '' });
  const bad = await check(
    'pipelines:\n  - name: a\n    format: jsonn\n    producer: {kind: ./no.mjs}\n',
  );
  assert.equal(bad.exitCode, 2);
  const lines = bad.errors.split('\n');
  assert.equal(lines.length, 3);
  assert.match(lines[0] ?? '', /flows\.yaml:3:13: pipelines\[0\]\.format: .* is json meant\?$/);
  assert.match(
    lines[1] ?? '',
    /flows\.yaml:4:22: pipelines\[0\]\.producer\.kind: the plug-in .*no\.mjs/,
  );
  const none = await runFloxy(['pipelines', 'check', file]);
  assert.equal(none.exitCode, 2);
  assert.match(none.errors, /cannot be read: /);
});
