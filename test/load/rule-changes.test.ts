import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeSenders } from '../lab/senders.ts';
import { assertNothingMissing, assertNothingWrong, inputsOf } from './accounts.ts';
import { LoadStage } from './load-stage.ts';
import { RuleChanges } from './rule-changes.ts';

const CHANGES = 160;
/** At most: a busy machine makes it fewer. */
const CHANGES_PER_SECOND = 20;
const PACKETS_PER_SECOND = 8_000;
const SIZES = [64, 200, 600, 1400];

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
