import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Producer } from '../../../src/flow/model/producer.ts';
import { nsqKind } from '../../../src/flow/produce/nsq.ts';
import { requireRoot } from '../../lab/require-root.ts';
import { endProcess, run, waitFor } from '../../lab/shell.ts';
import { failureOf, offerOf, startProducer, temporaryFolder } from '../../support/offers.ts';
import { describeConformance } from '../../support/producer-conformance.ts';
import { TestNsqd } from '../../support/test-nsqd.ts';

describeConformance({
  title: 'a producer with a spool',
  kind: nsqKind,
  async makePeer() {
    const folder = await mkdtemp(path.join(tmpdir(), 'floxy-spool-'));
    const nsqd = await TestNsqd.make();
    Object.assign(nsqd.options, { spool: { max_bytes: 2e6, file_bytes: 65_536 } });
    return Object.assign(nsqd, {
      spoolFolder: folder,
      async [Symbol.asyncDispose]() {
        await nsqd.down();
        await rm(folder, { recursive: true });
      },
    });
  },
  acknowledged: 'by peer',
});

describe('spool', () => {
  test('far more than memory takes waits on disk while the peer is away, and arrives in order', async () => {
    await using folder = await temporaryFolder();
    await using nsqd = await TestNsqd.make();
    const settings = {
      ...nsqd.options,
      queue_bytes: 200_000,
      batch_bytes: 20_000,
      spool: { file_bytes: 100_000 },
    };
    await using producer = await startProducer(nsqKind, settings, { spoolFolder: folder.path });
    const texts = numbered(5000);
    for (let i = 0; i < texts.length; i += 50) {
      await waitFor('it has room', () => producer.counters.queuedBytes < 100_000);
      assert.ok(producer.offer(offerOf(texts.slice(i, i + 50))));
    }
    await waitFor('all is on disk', () => producer.counters.queuedBytes < 60_000);
    assertAccounts(producer);
    assert.ok(producer.counters.spooledBytes > 1_000_000);
    await nsqd.up();
    await producer.flush(60_000);
    assert.deepEqual(await nsqd.received(), texts);
    assertAccounts(producer);
    const { delivered, spooledBytes, failed, dropped } = producer.counters;
    assert.deepEqual(
      { delivered, spooledBytes, failed, dropped },
      { delivered: 5000, spooledBytes: 0, failed: 0, dropped: 0 },
    );
  });

  test('what waits survives a restart, what has been delivered does not come again', async () => {
    await using folder = await temporaryFolder();
    await using nsqd = await TestNsqd.make();
    const settings = { ...nsqd.options, batch_messages: 100, spool: {} };
    const texts = numbered(1000);
    const first = await startProducer(nsqKind, settings, { spoolFolder: folder.path });
    first.offer(offerOf(texts.slice(0, 600)));
    await first.stop(2000);
    assertAccounts(first);
    assert.equal(first.counters.queuedRecords, 600);
    assert.equal(first.counters.failed, 0);
    const second = await startProducer(nsqKind, settings, { spoolFolder: folder.path });
    assert.equal(second.counters.recovered, 600);
    second.offer(offerOf(texts.slice(600, 800)));
    await nsqd.up();
    await second.flush(60_000);
    assertAccounts(second);
    await nsqd.down();
    await failureOf(second);
    second.offer(offerOf(texts.slice(800)));
    await second.stop(2000);
    await nsqd.up();
    await using third = await startProducer(nsqKind, settings, { spoolFolder: folder.path });
    await third.flush(60_000);
    assertAccounts(third);
    assert.deepEqual(await nsqd.received(), texts);
  });

  test('after kill -9 what was on disk arrives, in order, and nothing else', async () => {
    await using folder = await temporaryFolder();
    await using nsqd = await TestNsqd.make();
    const script = path.join(import.meta.dirname, 'spool-writer.ts');
    for (let life = 0; life < 3; life++) {
      const writer = spawn(process.execPath, [script, String(nsqd.port), folder.path], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      await once(writer.stdout, 'data');
      await endProcess(writer, 'SIGKILL', 10_000);
    }
    await using producer = await startProducer(
      nsqKind,
      { ...nsqd.options, spool: {} },
      { spoolFolder: folder.path },
    );
    const { recovered } = producer.counters;
    assert.ok(recovered > 1000);
    await nsqd.up();
    await producer.flush(60_000);
    assertAccounts(producer);
    assert.equal(producer.counters.failed, 0);
    const received = await nsqd.received();
    assert.equal(received.length, recovered);
    // Each life began at 0 and counted on without a gap.
    const lives = received.join(' ').split(/ (?=k:0 )/);
    assert.equal(lives.length, 3);
    for (const life of lives)
      assert.deepEqual(life.split(' '), numbered(life.split(' ').length, ''));
  });

  test('what comes when disk and memory are full is dropped and counted', async () => {
    await using folder = await temporaryFolder();
    await using nsqd = await TestNsqd.make();
    const limits = {
      queue_bytes: 100_000,
      batch_bytes: 10_000,
      spool: { max_bytes: 300_000, file_bytes: 50_000 },
    };
    await using producer = await startProducer(
      nsqKind,
      { ...nsqd.options, ...limits },
      { spoolFolder: folder.path },
    );
    const taken: string[] = [];
    for (const text of numbered(5000)) {
      if (producer.offer(offerOf([text]))) taken.push(text);
      assertAccounts(producer);
      if (taken.length % 20 === 0) await sleep(1);
    }
    assert.ok(producer.counters.dropped > 0);
    assert.ok(producer.counters.spooledBytes < 350_000);
    await nsqd.up();
    await producer.flush(60_000);
    assert.deepEqual(await nsqd.received(), taken);
    assertAccounts(producer);
  });

  test('a disk that is full or gone is told; what has room in memory is delivered', {
    skip: requireRoot(),
  }, async () => {
    await using folder = await temporaryFolder();
    await run(['mount', '-t', 'tmpfs', '-o', 'size=64k', 'none', folder.path]);
    try {
      await using nsqd = await TestNsqd.make();
      const settings = { ...nsqd.options, batch_bytes: 10_000, spool: {} };
      await using producer = await startProducer(nsqKind, settings, { spoolFolder: folder.path });
      const texts = numbered(1000);
      for (let i = 0; i < texts.length; i += 20) {
        producer.offer(offerOf(texts.slice(i, i + 20)));
        await sleep(1);
      }
      await waitFor('it tells', () => /spool .*no space|ENOSPC/.test(producer.status.error ?? ''));
      assertAccounts(producer);
      await nsqd.up();
      await producer.flush(60_000);
      assert.deepEqual(await nsqd.received(), texts);
      await producer.stop(2000);
    } finally {
      await run(['umount', folder.path]);
    }
  });

  test('a spool needs a folder', async () => {
    await assert.rejects(startProducer(nsqKind, { spool: {} }), /a spool needs a folder/);
  });

  test('its files are gone when all is delivered', async () => {
    await using folder = await temporaryFolder();
    await using nsqd = await TestNsqd.make();
    const producer = await startProducer(
      nsqKind,
      { ...nsqd.options, spool: {} },
      { spoolFolder: folder.path },
    );
    await failureOf(producer);
    producer.offer(offerOf(numbered(10)));
    await waitFor('it is on disk', () => producer.counters.spooledBytes > 0);
    await nsqd.up();
    await producer.flush(60_000);
    await producer.stop(2000);
    assert.deepEqual(await readdir(folder.path), []);
  });
});

function numbered(count: number, padding = `:${'x'.repeat(200)}`): string[] {
  return Array.from({ length: count }, (_, i) => `k:${i}${padding}`);
}

function assertAccounts({ counters: c }: Producer): void {
  assert.equal(c.offered + c.recovered, c.delivered + c.failed + c.dropped + c.queuedRecords);
}
