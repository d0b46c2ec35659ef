import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { requireRoot } from '../lab/require-root.ts';
import { assertNothingMissing, assertNothingWrong, inputsOf } from './accounts.ts';
import { type LoadOptions, LoadStage } from './load-stage.ts';
import { RuleChanges } from './rule-changes.ts';

/** How long rules are being changed; as long again goes by without changes, for comparison. */
const SECONDS = Number(process.env['FLOXY_LOAD_SECONDS'] ?? 8);
const CHANGES_PER_SECOND = 20;
/** With and without changes alternate: other programs of the machine disturb both. */
const ROUND_SECONDS = 0.5;
const LOAD = 0.7;
const LATENCY_FACTOR = 3;
/** Below this, what other programs of the machine do decides. */
const LATENCY_FLOOR_MS = 1;
const WARM_UP_MS = 500;
const SATURATION_MS = 700;
const SIZES = [64, 200, 600, 1400];
const STAGE: LoadOptions = { perClass: 25, isApart: true };

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

function texts(values: readonly number[]): string {
  return values.map((value) => value.toFixed(1)).join(' ');
}

/** Packets per second that the forwarder takes of more than it can take, by even and by odd rules. */
async function measureCapacity(): Promise<number> {
  await using stage = await LoadStage.start(STAGE);
  const changes = new RuleChanges(stage);
  const generator = stage.start({ sizes: SIZES, packetsPerSecond: 0 });
  await delay(WARM_UP_MS);
  const byEvenRules = await stage.measureRate(SATURATION_MS);
  await changes.next();
  const byOddRules = await stage.measureRate(SATURATION_MS);
  await generator.stop();
  return (byEvenRules + byOddRules) / 2;
}

describe('change under load', { skip: requireRoot() }, () => {
  test(`R13: 20 changes a second at 70 % load lose, double and misroute nothing, and packets are not held up`, async (t) => {
    const capacity = await measureCapacity();
    const packetsPerSecond = Math.floor(capacity * LOAD);
    await using stage = await LoadStage.start(STAGE);
    const before = await stage.totals();
    const changes = new RuleChanges(stage);
    const generator = stage.start({ sizes: SIZES, packetsPerSecond, isRealTime: true });
    await delay(WARM_UP_MS);

    /** Latency p99 of each round. */
    const quietMs: number[] = [];
    const changingMs: number[] = [];
    const measure = async (into: number[], act: () => Promise<unknown>) => {
      await stage.collector.reset();
      await act();
      into.push((await stage.collector.report()).latency.p99Ns / 1e6);
    };
    for (let round = 0; round < SECONDS / ROUND_SECONDS; round++) {
      await measure(quietMs, () => delay(ROUND_SECONDS * 1000));
      await measure(changingMs, () => changes.keepChanging(CHANGES_PER_SECOND, ROUND_SECONDS));
    }
    const sent = stage.add(await generator.stop());
    const settled = await stage.settle();
    const rate = changes.count / SECONDS;
    const [quiet, changing] = [median(quietMs), median(changingMs)];
    t.diagnostic(
      `${sent.numbered} packets at ${packetsPerSecond}/s of ${Math.floor(capacity)}/s, ${changes.count} changes at ${rate.toFixed(1)}/s, p99 ${quiet.toFixed(2)} ms without and ${changing.toFixed(2)} ms with changes (of each round: ${texts(quietMs)} and ${texts(changingMs)})`,
    );

    assertNothingWrong(settled.arrived);
    changes.assertInForceWhenAnswered(settled.arrived);
    assert.equal(settled.totals.kernelDrops - before.kernelDrops, 0);
    assertNothingMissing(settled);
    assert.equal(
      inputsOf(settled.statistics),
      settled.totals.received,
      'S5: inputs go on counting',
    );
    assert.equal(settled.totals.sendErrors, 0);
    assert.ok(rate >= CHANGES_PER_SECOND / 2, `only ${rate} changes a second`);
    const limit = LATENCY_FACTOR * Math.max(quiet, LATENCY_FLOOR_MS);
    assert.ok(changing <= limit, `p99 ${changing} ms with changes, ${quiet} ms without`);
  });
});
