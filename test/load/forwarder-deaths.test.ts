import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { requireRoot } from '../lab/require-root.ts';
import { assertExact, assertNothingWrong } from './accounts.ts';
import { replaceForwarder } from './forwarder-deaths.ts';
import { BATCH, LoadStage } from './load-stage.ts';

const DEATHS = 10;
/** Three, so that none of ten deaths is the fifth in a row of one forwarder. */
const FORWARDERS = 3;
const PACKETS_PER_SECOND = 20_000;
const LOAD = 0.7;
const STUCK_LIMIT_MS = 3_000;

describe('death under load', { skip: requireRoot() }, () => {
  test('S6: each of ten kill -9 costs at most the batch in hand; order and counters stay right', async (t) => {
    await using stage = await LoadStage.start({
      settings: { COLLECTOR_FLOXY_THREAD_COUNT: `${FORWARDERS}` },
    });
    const capacity = await stage.measureCapacity();
    const packetsPerSecond = Math.floor(Math.min(PACKETS_PER_SECOND, capacity * LOAD));
    const before = await stage.totals();
    const generator = stage.start({ sizes: [64, 200, 600], packetsPerSecond });
    const waitedMs: number[] = [];
    for (let death = 0; death < DEATHS; death++) {
      const { replacedAfterMs } = await replaceForwarder(stage, death % FORWARDERS, 'SIGKILL');
      waitedMs.push(replacedAfterMs);
    }
    stage.add(await generator.stop());
    const settled = await stage.settle(DEATHS * BATCH);
    const { missing, incomplete } = settled.arrived;
    const longest = Math.max(...waitedMs).toFixed(0);
    t.diagnostic(
      `${packetsPerSecond}/s of ${Math.floor(capacity)}/s: ${missing} packets missing, ${incomplete} incomplete after ${DEATHS} deaths, replaced within ${longest} ms`,
    );
    assertNothingWrong(settled.arrived);
    assertExact(settled, DEATHS);
    assert.equal(settled.totals.kernelDrops - before.kernelDrops, 0);
    assert.equal(settled.totals.restarts, DEATHS);
    const lost = missing + incomplete - settled.lostOnWire;
    assert.ok(lost <= DEATHS * BATCH, `${lost} packets are lost`);
  });

  test('a stuck forwarder is found within 3 s and replaced, and its packets wait for the next one', async (t) => {
    await using stage = await LoadStage.start();
    const generator = stage.start({ sizes: [64, 200, 600], packetsPerSecond: 5_000 });
    const { endedAfterMs, replacedAfterMs } = await replaceForwarder(stage, 0, 'SIGSTOP');
    stage.add(await generator.stop());
    const settled = await stage.settle(BATCH);
    t.diagnostic(
      `killed after ${endedAfterMs.toFixed(0)} ms, replaced after ${replacedAfterMs.toFixed(0)} ms`,
    );
    assert.ok(endedAfterMs <= STUCK_LIMIT_MS, `it was found after ${endedAfterMs} ms`);
    assertNothingWrong(settled.arrived);
    assertExact(settled, 1);
    assert.equal(settled.totals.kernelDrops, 0);
    const { missing, incomplete } = settled.arrived;
    assert.ok(missing + incomplete - settled.lostOnWire <= BATCH);
    assert.match(stage.service.log, /was stuck/);
  });
});
