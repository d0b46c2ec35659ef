import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pipelineStats } from '../../test/support/pipeline-stats.ts';
import { fromPipelineStats } from '../api/pipeline-stats.ts';
import type { PipelineStats } from '../flow/pipeline/stats.ts';
import { pipelinesTable } from './pipelines-table.ts';

function tableOf(pipelines: readonly PipelineStats[]): string[] {
  return pipelinesTable(fromPipelineStats(pipelines)).split('\n');
}

test('a pipeline that does well is one line', () => {
  const good = pipelineStats({
    name: 'main',
    workers: 2,
    producer: { delivered: 1_234_567, queuedRecords: 42 },
    ring: { lag: 3 },
  });
  assert.deepEqual(tableOf([good]), [
    'PIPELINE  STATE    FORMAT  PRODUCER  WORKERS  RECORDS  DELIVERED  QUEUED  LAG  LOST',
    'main      running  json    kafka           2        0  1,234,567      42    3     0',
    '',
  ]);
});

test('what is wrong and what was lost stands below, with what it means', () => {
  const bad = pipelineStats({
    name: 'bad',
    state: 'failing',
    error: 'worker 0 keeps dying',
    producer: { dropped: 5, failed: 2 },
    decode: { ipfix: { badSetLength: 7 } },
  });
  const [, row = '', ...notes] = tableOf([bad]);
  assert.match(row, /^bad {7}failing .* 7$/);
  const text = notes.join('\n');
  assert.match(text, /^bad: worker 0 keeps dying$/m);
  assert.match(text, /^bad: lost 5: dropped: records for which the producer's queue had no room$/m);
  assert.match(text, /^bad: lost 2: failed: /m);
  assert.match(text, /^bad: lost 7: ipfix bad_set_length: malformed: /m);
});

test('a producer that cannot deliver says why, and steers no terminal', () => {
  const stats = pipelineStats({ name: 'p' });
  const [worker] = stats.workers;
  assert.ok(worker);
  const producer = { state: 'failing', error: 'no \u001b[2Jbroker' } as const;
  const text = tableOf([{ ...stats, workers: [{ ...worker, producer }] }]).join('\n');
  assert.match(text, /^p: worker 0: producer failing: no \\u001b\[2Jbroker$/m);
});

test('without pipelines that is what it says', () => {
  assert.deepEqual(tableOf([]), ['there are no pipelines', '']);
});
