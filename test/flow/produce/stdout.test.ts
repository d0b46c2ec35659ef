import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import type { ProducerCounters, ProducerStatus } from '../../../src/flow/model/producer.ts';

interface Result extends ProducerStatus {
  readonly counters: ProducerCounters;
}

function start(lines: number, waitMs: number) {
  const script = path.join(import.meta.dirname, 'stdout-writer.ts');
  const args = [script, String(lines), String(waitMs)];
  return spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
}

async function resultOf(child: ReturnType<typeof start>): Promise<Result> {
  const result: Result = JSON.parse(await text(child.stderr));
  const { offered, delivered, failed, dropped, queuedRecords } = result.counters;
  assert.equal(offered, delivered + failed + dropped + queuedRecords);
  return result;
}

describe('stdout', () => {
  test('a line for each message', async () => {
    const child = start(3000, 60_000);
    const [out, result] = await Promise.all([text(child.stdout), resultOf(child)]);
    assert.equal(result.state, 'ok');
    assert.equal(result.counters.delivered, 3000);
    const wanted = Array.from({ length: 3000 }, (_, i) => `k:${i}:${'x'.repeat(90)}\n`);
    assert.equal(out, wanted.join(''));
  });

  test('a reader that does not read holds nobody up: the queue fills, the rest is dropped', async () => {
    const child = start(100_000, 500);
    const result = await resultOf(child);
    assert.ok(result.counters.dropped > 90_000);
    assert.ok(result.counters.failed > 0);
    // The pipe is left with what the kernel took of it, in order.
    const out = (await text(child.stdout)).split('\n');
    const wanted = out.map((_, i) => `k:${i}:${'x'.repeat(90)}`);
    assert.deepEqual(out.slice(0, -1), wanted.slice(0, -1));
  });

  test('a reader that has gone is told', async () => {
    const child = start(100, 300);
    child.stdout.destroy();
    const result = await resultOf(child);
    assert.equal(result.state, 'failing');
    assert.match(result.error ?? '', /nobody reads standard output any more/);
    assert.equal(result.counters.failed, 100);
  });
});
