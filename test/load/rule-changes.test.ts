import assert from 'node:assert/strict';
import { test } from 'node:test';
import { requireRoot } from '../lab/require-root.ts';
import { describeSenders } from '../lab/senders.ts';
import { assertNothingMissing, assertNothingWrong, inputsOf } from './accounts.ts';
import { LoadStage } from './load-stage.ts';
import { RuleChanges } from './rule-changes.ts';

const CHANGES = 160;
/** At most: a busy machine makes it fewer. */
const CHANGES_PER_SECOND = 20;
const PACKETS_PER_SECOND = 8_000;
const SIZES = [64, 200, 600, 1400];

/** One in so many is too large for the engine in the kernel, and its exporter's packets go up for a second. */
const LARGE_EVERY = 250;
const LARGE = 1_600;

describeSenders('change under load', ({ settings, assertUsed }) => {
  test('R13: rule sets that replace one another under load lose, double and misroute nothing', async (t) => {
    await using stage = await LoadStage.start({ perClass: 25, settings, templates: 'ONE' });
    const changes = new RuleChanges(stage);
    const generator = stage.start({ sizes: SIZES, packetsPerSecond: PACKETS_PER_SECOND });
    await changes.make(CHANGES, CHANGES_PER_SECOND);
    const sent = stage.add(await generator.stop());
    const settled = await stage.settle();
    const { offered, totals, arrived, statistics, lostOnWire } = settled;
    t.diagnostic(
      `${sent.numbered} packets in ${sent.seconds.toFixed(0)} s, ${changes.count} changes; dropped before the proxy: ${totals.kernelDrops}, on the link to the collectors: ${lostOnWire}`,
    );
    assertNothingWrong(arrived);
    changes.assertInForceWhenAnswered(arrived);
    assert.equal(totals.received + totals.kernelDrops, offered.packets);
    assert.equal(inputsOf(statistics), totals.received, 'S5: inputs go on counting');
    assert.equal(totals.sendErrors, 0);
    assertNothingMissing(settled);
    await assertUsed(stage.api);
  });
});

const FALLS_BACK =
  'R13: an exporter whose packets begin to go up during a change does not fall back to the former rules';

test(FALLS_BACK, { skip: requireRoot() }, async (t) => {
  await using stage = await LoadStage.start({
    settings: { COLLECTOR_FLOXY_ENGINE: 'kernel', COLLECTOR_FLOXY_PACKET_BUFFER_SIZE: `${LARGE}` },
    templates: 'ONE',
    exporterMtu: 2_000,
    bufferBytes: LARGE,
  });
  const changes = new RuleChanges(stage);
  const sizes = [LARGE, ...Array<number>(LARGE_EVERY - 1).fill(64)];
  const generator = stage.start({ sizes, packetsPerSecond: PACKETS_PER_SECOND });
  await changes.make(CHANGES, CHANGES_PER_SECOND);
  const sent = stage.add(await generator.stop());
  const settled = await stage.settle();
  const { handled, up } = (await stage.api.status()).kernel_engine ?? {};
  t.diagnostic(`${handled?.packets} of ${sent.numbered} in the kernel; ${JSON.stringify(up)}`);
  assert.ok(Number(handled?.packets) > 0, 'the kernel handled none');
  assertNothingWrong(settled.arrived);
  changes.assertInForceWhenAnswered(settled.arrived);
  assert.equal(inputsOf(settled.statistics), settled.totals.received);
  assertNothingMissing(settled);
});
