import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeSenders } from '../lab/senders.ts';
import { tellTime } from '../lab/times.ts';
import { assertExact, assertNothingMissing, assertNothingWrong } from './accounts.ts';
import { replaceForwarder } from './forwarder-deaths.ts';
import { BATCH, LoadStage } from './load-stage.ts';

const DEATHS = 10;
/** Three, so that none of ten deaths is the fifth in a row of one forwarder. */
const FORWARDERS = 3;
const PACKETS_PER_SECOND = 5_000;
const STUCK_LIMIT_MS = 3_000;
const REPLACEMENT_LIMIT_MS = 1_000;

describeSenders('death under load', ({ settings, assertUsed }) => {
  test('S6: each of ten kill -9 costs at most the batch in hand; order and counters stay right', async (t) => {
    await using stage = await LoadStage.start({
      settings: { ...settings, COLLECTOR_FLOXY_THREAD_COUNT: `${FORWARDERS}` },
      templates: 'ONE',
    });
    const generator = stage.start({ sizes: [64, 200, 600], packetsPerSecond: PACKETS_PER_SECOND });
    for (let death = 0; death < DEATHS; death++) {
      const { replacedAfterMs } = await replaceForwarder(stage, death % FORWARDERS, 'SIGKILL');
      tellTime('a killed forwarder is replaced under load', replacedAfterMs, REPLACEMENT_LIMIT_MS);
    }
    stage.add(await generator.stop());
    const settled = await stage.settle(DEATHS * BATCH);
    const { missing, incomplete } = settled.arrived;
    // A forwarder that was not let to a core for two seconds is taken for a stuck one, and dies too.
    const deaths = settled.totals.restarts;
    t.diagnostic(`${missing} packets missing, ${incomplete} incomplete after ${deaths} deaths`);
    assert.ok(deaths >= DEATHS);
    assertNothingWrong(settled.arrived);
    assertExact(settled, deaths);
    assertNothingMissing(settled, deaths * BATCH);
    await assertUsed(stage.api);
  });

  test('a stuck forwarder is found and replaced, and its packets wait for the next one', async () => {
    await using stage = await LoadStage.start({ settings, templates: 'ONE' });
    const generator = stage.start({ sizes: [64, 200, 600], packetsPerSecond: PACKETS_PER_SECOND });
    const { endedAfterMs } = await replaceForwarder(stage, 0, 'SIGSTOP');
    stage.add(await generator.stop());
    const settled = await stage.settle(BATCH);
    tellTime('a stuck forwarder is found', endedAfterMs, STUCK_LIMIT_MS);
    assertNothingWrong(settled.arrived);
    assertExact(settled, 1);
    assertNothingMissing(settled, BATCH);
    assert.match(stage.service.log, /was stuck/);
  });
});
