import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { waitFor } from '../lab/shell.ts';
import { type Identity, PipelineLab } from './support/pipeline-lab.ts';

/** Sends while something is done to workers. @returns what ends it */
function keepSending(lab: PipelineLab, datagrams = 200, exporters = 16): () => void {
  const timer = setInterval(() => lab.send(datagrams, exporters), 10);
  return () => clearInterval(timer);
}

async function isRunning(lab: PipelineLab, pipeline: string): Promise<void> {
  await waitFor(
    () => `${pipeline} runs: ${JSON.stringify(lab.stats(pipeline))} ${lab.log.join('')}`,
    () => {
      const { state, workers } = lab.stats(pipeline);
      return state === 'running' && workers.every(({ producer }) => producer.state === 'ok');
    },
  );
}

/** Waits until everything that was sent was looked at, and the accounts are closed. */
async function isSettled(lab: PipelineLab, pipeline: string): Promise<void> {
  await waitFor(
    () => `${pipeline} is done: ${JSON.stringify(lab.stats(pipeline))} ${lab.log.join('')}`,
    () => {
      const { total, deaths, state } = lab.stats(pipeline);
      const { ring, worker, producer } = total;
      const lost = ring.lost + ring.abandoned;
      const ended = lab.received(pipeline).length + lost;
      // A worker tells its counts a moment after its producer has written.
      const counted = producer.delivered + lost;
      return (
        state === 'running' &&
        ring.lag === 0 &&
        worker.rowsWaiting === 0 &&
        ended + deaths.recordsUnfinished >= lab.sent &&
        counted + deaths.recordsUnfinished >= lab.sent
      );
    },
  );
}

function assertOrder(received: readonly Identity[]): void {
  const last = new Map<number, number>();
  for (const { exporter, number } of received) {
    const before = last.get(exporter) ?? 0;
    assert.ok(number > before, `exporter ${exporter}: ${number} after ${before}`);
    last.set(exporter, number);
  }
}

function assertAllOnce(lab: PipelineLab, pipeline: string): void {
  const received = lab.received(pipeline);
  assertOrder(received);
  assert.equal(received.length, lab.sent);
  const { total, deaths } = lab.stats(pipeline);
  assert.equal(total.ring.lost, 0);
  assert.equal(total.ring.taken, lab.sent);
  assert.equal(total.producer.delivered, lab.sent);
  assert.equal(deaths.recordsUnfinished, 0);
}

describe('workers of pipelines', () => {
  test('D1, D2: what is in rings comes to the producers of all pipelines, once and in order', async () => {
    await using lab = new PipelineLab({ rings: 2 });
    await lab.configure(lab.pipeline('a'), lab.pipeline('b', ', workers: 3'));
    await Promise.all([isRunning(lab, 'a'), isRunning(lab, 'b')]);
    for (let i = 0; i < 20; i++) {
      lab.send(500, 20);
      await delay(5);
    }
    for (const pipeline of ['a', 'b']) {
      await isSettled(lab, pipeline);
      assertAllOnce(lab, pipeline);
    }
    const shards = new Set(lab.lines('b').map((line) => line[0]));
    assert.deepEqual([...shards].sort(), ['0', '1', '2']);
    assert.equal(new Set(lab.received('a').map(({ exporter }) => exporter)).size, 20);
  });

  test('D2: kill -9 of a worker under load loses a batch at most, counted, and nothing twice', async () => {
    await using lab = new PipelineLab();
    await lab.configure(lab.pipeline('a'), lab.pipeline('b'));
    await Promise.all([isRunning(lab, 'a'), isRunning(lab, 'b')]);
    const stop = keepSending(lab);
    for (let i = 0; i < 3; i++) {
      await delay(300);
      const { pid, restarts } = lab.stats('a').workers[0] ?? {};
      process.kill(pid as number, 'SIGKILL');
      await waitFor('it is replaced', () => {
        const worker = lab.stats('a').workers[0];
        return worker?.restarts === (restarts as number) + 1 && lab.stats('a').state === 'running';
      });
    }
    await delay(300);
    stop();
    await Promise.all([isSettled(lab, 'a'), isSettled(lab, 'b')]);
    assertAllOnce(lab, 'b');
    const received = lab.received('a');
    assertOrder(received);
    const { total, deaths } = lab.stats('a');
    assert.equal(deaths.deaths, 3);
    assert.equal(total.ring.lost, 0);
    const missing = lab.sent - received.length;
    assert.ok(missing <= total.ring.abandoned + deaths.recordsUnfinished);
    assert.ok(total.ring.abandoned <= 3 * 256, `${total.ring.abandoned} abandoned`);
  });

  test('D3: a worker that hangs is killed and replaced, and others do not notice', async () => {
    await using lab = new PipelineLab();
    await lab.configure(lab.pipeline('a'), lab.pipeline('b'));
    await Promise.all([isRunning(lab, 'a'), isRunning(lab, 'b')]);
    const stop = keepSending(lab, 20);
    process.kill(lab.stats('a').workers[0]?.pid as number, 'SIGSTOP');
    await waitFor('it is replaced', () => lab.stats('a').workers[0]?.restarts === 1);
    await isRunning(lab, 'a');
    stop();
    await Promise.all([isSettled(lab, 'a'), isSettled(lab, 'b')]);
    assertAllOnce(lab, 'b');
    assert.match(lab.log.join(''), /"reason":"was killed by SIGKILL: was stuck"/);
    assert.ok(lab.sent - lab.received('a').length <= 256);
  });

  test('pipelines are added, changed and removed under load without loss', async () => {
    await using lab = new PipelineLab();
    await lab.configure(lab.pipeline('a'), lab.pipeline('b'));
    await Promise.all([isRunning(lab, 'a'), isRunning(lab, 'b')]);
    const pid = lab.stats('b').workers[0]?.pid;
    const stop = keepSending(lab);
    for (let rows = 10; rows < 40; rows += 10) {
      const changed = lab.pipeline('a', `, batch: {rows: ${rows}}`);
      await lab.configure(changed, lab.pipeline('b'), lab.pipeline('c'));
      await isRunning(lab, 'c');
      await lab.configure(changed, lab.pipeline('b'));
    }
    stop();
    await Promise.all([isSettled(lab, 'a'), isSettled(lab, 'b')]);
    assertAllOnce(lab, 'a');
    assertAllOnce(lab, 'b');
    assert.equal(lab.stats('b').workers[0]?.pid, pid);
    assert.equal(lab.stats('c').state, 'missing');
  });

  test('D1: the order of each exporter is kept while workers come and go', async () => {
    await using lab = new PipelineLab({ rings: 2 });
    await lab.configure(lab.pipeline('a'));
    await isRunning(lab, 'a');
    const stop = keepSending(lab);
    for (const workers of [3, 2, 4, 1]) {
      await lab.configure(lab.pipeline('a', `, workers: ${workers}`));
      await delay(100);
      assert.equal(lab.stats('a').workers.length, workers);
    }
    stop();
    await isSettled(lab, 'a');
    assertAllOnce(lab, 'a');
  });

  test('D3: a producer that hangs holds up neither the end nor other pipelines', async () => {
    await using lab = new PipelineLab();
    await lab.configure(lab.pipeline('a', '', ', hangs: true'), lab.pipeline('b'));
    await Promise.all([isRunning(lab, 'a'), isRunning(lab, 'b')]);
    lab.send(1000);
    await isSettled(lab, 'b');
    assertAllOnce(lab, 'b');
    await waitFor('a was offered all', () => lab.stats('a').total.producer.offered === 1000);
    await lab.configure(lab.pipeline('a'), lab.pipeline('b'));
    await isRunning(lab, 'a');
    assert.equal(lab.stats('a').deaths.recordsUnfinished, 1000);
  });

  test('a pipeline whose workers cannot start is told, and others work', async () => {
    await using lab = new PipelineLab();
    await lab.configure(lab.pipeline('a', '', ', breaks: true'), lab.pipeline('b'));
    await isRunning(lab, 'b');
    await waitFor('it is failing', () => lab.stats('a').state === 'failing');
    assert.match(lab.stats('a').error ?? '', /worker 0 keeps dying .* broken on purpose/s);
    lab.send(10);
    await isSettled(lab, 'b');
    assertAllOnce(lab, 'b');
  });
});
