/**
 * What changes of rules cost packets in time: rule sets that replace one another under a share of what a forwarder
 * can take, and as long again without changes.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { assertNothingMissing, assertNothingWrong } from '../test/load/accounts.ts';
import { type LoadOptions, LoadStage } from '../test/load/load-stage.ts';
import { RuleChanges } from '../test/load/rule-changes.ts';
import { measureRate } from './capacity.ts';
import { median } from './statistics.ts';

const SECONDS = Number(process.env['FLOXY_LOAD_SECONDS'] ?? 8);
const CHANGES_PER_SECOND = 20;
/** With and without changes alternate: other programs of the machine disturb both. */
const ROUND_SECONDS = 0.5;
const LOAD = 0.7;
const WARM_UP_MS = 500;
const SATURATION_MS = 700;
const SIZES = [64, 200, 600, 1400];
const STAGE: LoadOptions = { perClass: 25, isApart: true };

export interface RuleChangesResult {
  readonly packetsPerSecond: number;
  /** What the forwarder takes of more than it can take. */
  readonly capacity: number;
  readonly packets: number;
  readonly changesPerSecond: number;
  /** Latency p99, median of the rounds. */
  readonly quietMs: number;
  readonly changingMs: number;
}

/** @throws AssertionError when a packet was lost, doubled or misrouted */
export async function measureRuleChanges(): Promise<RuleChangesResult> {
  const capacity = await measureSaturation();
  const packetsPerSecond = Math.floor(capacity * LOAD);
  await using stage = await LoadStage.start(STAGE);
  const changes = new RuleChanges(stage);
  const generator = stage.start({ sizes: SIZES, packetsPerSecond, isRealTime: true });
  await delay(WARM_UP_MS);
  const p99Of = async (act: () => Promise<unknown>) => {
    await stage.collector.reset();
    await act();
    return (await stage.collector.report()).latency.p99Ns / 1e6;
  };
  const quietMs: number[] = [];
  const changingMs: number[] = [];
  let changingSeconds = 0;
  const change = async () => {
    const start = performance.now();
    await changes.make(CHANGES_PER_SECOND * ROUND_SECONDS, CHANGES_PER_SECOND);
    changingSeconds += (performance.now() - start) / 1000;
  };
  for (let round = 0; round < SECONDS / ROUND_SECONDS; round++) {
    quietMs.push(await p99Of(() => delay(ROUND_SECONDS * 1000)));
    changingMs.push(await p99Of(change));
  }
  const sent = stage.add(await generator.stop());
  const settled = await stage.settle();
  assertNothingWrong(settled.arrived);
  changes.assertInForceWhenAnswered(settled.arrived);
  assertNothingMissing(settled);
  return {
    packetsPerSecond,
    capacity,
    packets: sent.numbered,
    changesPerSecond: changes.count / changingSeconds,
    quietMs: median(quietMs),
    changingMs: median(changingMs),
  };
}

/** Packets per second that the forwarder takes of more than it can take, by even and by odd rules. */
async function measureSaturation(): Promise<number> {
  await using stage = await LoadStage.start(STAGE);
  const changes = new RuleChanges(stage);
  const generator = stage.start({ sizes: SIZES, packetsPerSecond: 0 });
  await delay(WARM_UP_MS);
  const byEvenRules = await measureRate(stage, SATURATION_MS);
  await changes.next();
  const byOddRules = await measureRate(stage, SATURATION_MS);
  await generator.stop();
  return (byEvenRules + byOddRules) / 2;
}
