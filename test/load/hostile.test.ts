import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Generator, HOSTILE_KINDS } from '../../tools/traffic/generator.ts';
import { describeSenders } from '../lab/senders.ts';
import { waitFor } from '../lab/shell.ts';
import { tellTime } from '../lab/times.ts';
import { assertExact, assertNothingWrong } from './accounts.ts';
import { LoadStage } from './load-stage.ts';
import { holdingsOf } from './memory.ts';

/** Hostile packets in all, at full rate. */
const PACKETS = Number(process.env['FLOXY_HOSTILE_PACKETS'] ?? 100_000);
const POLITE_PER_SECOND = 1_000;
/** An exporter is heard at least so often, whatever others do. */
const STALL_LIMIT_MS = 3_000;
/** What is left after garbage collections. */
const GROWTH_LIMIT_BYTES = 16 * 1024 ** 2;
const LARGEST = 60_000;
const STORM_LIMIT_MS = 600_000;

describeSenders('hostile packets', ({ settings, assertUsed }) => {
  test('storms of every bad kind at full rate: no memory grows, every packet is counted, others go on', async (t) => {
    await using stage = await LoadStage.start({
      exporterMtu: 65_535,
      collectorMtu: 9_000,
      perClass: 5,
      settings,
    });
    const pids = await stage.service.pids();
    const polite = stage.start({ sizes: [200], packetsPerSecond: POLITE_PER_SECOND });
    const storms: Generator[] = [];
    const startStorm = () =>
      storms.push(
        stage.startHostile({ kinds: HOSTILE_KINDS, packetsPerSecond: 0, largest: LARGEST }),
      );
    startStorm();
    // One kind never reaches a socket.
    const reaching = (PACKETS * (HOSTILE_KINDS.length - 1)) / HOSTILE_KINDS.length;
    /** Waits for a share of the storm; returns the least memory that each process had meanwhile. */
    const until = async (share: number): Promise<number[]> => {
      const samples: number[][] = [];
      const isReached = async () => {
        samples.push(pids.map((pid) => holdingsOf(pid).pssBytes));
        const { received, kernelDrops } = await stage.totals();
        return received + kernelDrops > reaching * share;
      };
      await waitFor('the storm is over', isReached, STORM_LIMIT_MS, 100);
      return pids.map((_, i) => Math.min(...samples.map((sample) => sample[i] ?? 0)));
    };
    await until(1 / 3);
    const descriptors = pids.map((pid) => holdingsOf(pid).descriptors);
    const early = await until(2 / 3);
    const late = await until(1);
    const sent = await Promise.all(storms.map((storm) => storm.stop()));
    for (const storm of sent) stage.add(storm);
    stage.add(await polite.stop());

    const settled = await stage.settle();
    const { arrived, totals } = settled;
    const gapMs = Math.max(...arrived.streams.map(({ longestGapNs }) => longestGapNs)) / 1e6;
    const growth = late.map((bytes, i) => bytes - (early[i] ?? 0));
    t.diagnostic(
      `${settled.offered.packets} packets, ${totals.kernelDrops} dropped, polite: ${arrived.packets} arrived, ${arrived.missing} missing, longest gap ${gapMs.toFixed(0)} ms, growth ${growth.map((bytes) => `${(bytes / 1024 ** 2).toFixed(1)} MiB`)}`,
    );
    assertNothingWrong(arrived);
    assertExact(settled);
    const byKind = (kind: (typeof HOSTILE_KINDS)[number]) =>
      sent.reduce((sum, { hostile }) => sum + hostile[kind], 0);
    assert.ok(totals.kernelDrops >= byKind('checksum'), 'wrong checksums are never forwarded');
    assert.ok(totals.truncated > 0 && totals.truncated <= byKind('largest'));
    tellTime('an exporter is heard through a storm', gapMs, STALL_LIMIT_MS);
    for (const bytes of growth)
      assert.ok(bytes < GROWTH_LIMIT_BYTES, `memory grew by ${growth} bytes`);
    assert.ok(totals.templateCopies > 0, 'R23: templates of strangers reach all, too');
    assert.equal(totals.restarts, 0);
    await assertUsed(stage.api);
    assert.deepEqual(
      pids.map((pid) => holdingsOf(pid).descriptors),
      descriptors,
    );
  });
});
