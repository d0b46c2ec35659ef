import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { test } from 'node:test';
import { MEMORY_SWITCHES } from '../../src/flow/pipeline/supervisor/memory-switches.ts';

const PROCESS = path.join(import.meta.dirname, 'support', 'decoding-memory.ts');

test('1,000 exporters with 10 templates each are decoded in less than 200 MB', async (t) => {
  const child = fork(PROCESS, {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    execArgv: [...MEMORY_SWITCHES],
  });
  const [told] = (await once(child, 'message')) as [Record<string, number>];
  const { mebibytes = 0, records, templates } = told;
  t.diagnostic(`${Math.round(mebibytes)} MiB`);
  assert.deepEqual({ records, templates }, { records: 400_000, templates: 10_000 });
  assert.ok(mebibytes * 1.048_576 < 200, `${mebibytes} MiB`);
});
