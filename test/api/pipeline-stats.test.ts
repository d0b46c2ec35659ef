/** Statistics of pipelines as clients get them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { snakeCase } from '../../src/base/text.ts';
import { DECODE_COUNTERS } from '../../src/flow/decode/counters.ts';
import type { CounterMap, PipelineStatsMessage } from '../../src/protocol/pipeline-messages.ts';
import { runFloxy } from '../cli/fake-terminal.ts';
import { distinctStats, pipelineStats } from '../support/pipeline-stats.ts';
import { startApi, TestClient } from './harness.ts';

test('GetPipelineStats answers every counter of every pipeline', async () => {
  const stats = distinctStats('main');
  const failing = pipelineStats({ name: 'other', state: 'failing', error: 'worker 0 keeps dying' });
  await using api = await startApi(
    {},
    {},
    { pipelineStats: { pipelines: () => [stats, failing] } },
  );
  using client = new TestClient(api.address);
  const { pipelines } = await client.ask<PipelineStatsMessage>('Metrics.GetPipelineStats');
  const [main, other] = pipelines;
  assert.ok(main !== undefined && other !== undefined && pipelines.length === 2);
  for (const group of ['ring', 'worker', 'enrich', 'producer'] as const) {
    const expected = Object.entries(stats.total[group]).map(([key, count]) => [
      snakeCase(key),
      String(count),
    ]);
    assert.deepEqual(main.total[group], Object.fromEntries(expected));
  }
  for (const { key, protocol, word } of DECODE_COUNTERS) {
    const counters: CounterMap | undefined =
      protocol === undefined
        ? main.total.decode
        : main.total.protocols.find((found) => found.protocol === protocol)?.counters;
    assert.equal(
      counters?.[snakeCase(key)],
      String(stats.total.decode[word]),
      `${protocol} ${key}`,
    );
  }
  assert.deepEqual(Object.keys(main.deaths).toSorted(), ['deaths', 'records_unfinished']);
  assert.deepEqual(main.workers[0]?.counters, main.total);
  assert.equal(main.workers[0]?.pid, 1000);
  assert.equal(main.countedSince, '2023-11-14T22:13:20.000Z');
  assert.deepEqual([other.state, other.error], ['failing', 'worker 0 keeps dying']);
});

test('without pipelines the answer is empty', async () => {
  await using api = await startApi();
  using client = new TestClient(api.address);
  const { pipelines } = await client.ask<PipelineStatsMessage>('Metrics.GetPipelineStats');
  assert.deepEqual(pipelines, []);
});

test('floxy pipelines shows them as a table, and as JSON', async () => {
  const stats = pipelineStats({ name: 'main', producer: { delivered: 1234 } });
  await using api = await startApi({}, {}, { pipelineStats: { pipelines: () => [stats] } });
  const table = await runFloxy(['--api', api.address, 'pipelines']);
  assert.equal(table.exitCode, 0);
  assert.match(table.output, /^main +running +json +kafka +1 +0 +1,234 /m);
  const json = await runFloxy(['--api', api.address, 'pipelines', '-o', 'json']);
  const { pipelines } = JSON.parse(json.output);
  assert.equal(pipelines[0].total.producer.delivered, '1234');
});
