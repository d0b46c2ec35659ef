import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { HealthJudge, type JudgeSettings, type Verdict } from './health-judge.ts';

const SETTINGS: JudgeSettings = {
  fall: 4,
  rise: 3,
  maxFalls: 3,
  flapWindowMs: 60_000,
  holdStepMs: 30_000,
  holdMaxMs: 300_000,
};
const INTERVAL_MS = 250;

/** A judge with a clock that ticks once for each observation. */
class Bench {
  readonly judge: HealthJudge;
  nowMs = 1_000_000;

  constructor(settings: Partial<JudgeSettings> = {}) {
    this.judge = new HealthJudge({ ...SETTINGS, ...settings });
  }

  see(isGood: boolean): Verdict | undefined {
    this.nowMs += INTERVAL_MS;
    return this.judge.observe({ isGood, reason: isGood ? 'SERVING' : 'silence' }, this.nowMs);
  }

  /** Observes the same until there is a verdict. */
  until(isGood: boolean, limit = 10_000): { verdict: Verdict; tookMs: number } {
    const startMs = this.nowMs;
    for (let i = 0; i < limit; i++) {
      const verdict = this.see(isGood);
      if (verdict !== undefined) return { verdict, tookMs: this.nowMs - startMs };
    }
    throw new Error(`no verdict after ${limit} observations`);
  }

  fall(): { holdMs: number; outMs: number } {
    const { verdict } = this.until(false);
    assert.equal(verdict.kind, 'ill');
    const { tookMs } = this.until(true);
    return { holdMs: verdict.kind === 'ill' ? verdict.holdMs : -1, outMs: tookMs };
  }
}

test('the first verdict comes after exactly rise good or fall bad observations, none before', () => {
  const well = new Bench();
  assert.equal(well.judge.isWell, undefined);
  assert.deepEqual([well.see(true), well.see(true)], [undefined, undefined]);
  assert.deepEqual(well.see(true), { kind: 'well' });
  const ill = new Bench();
  for (let i = 0; i < 3; i++) assert.equal(ill.see(false), undefined);
  assert.deepEqual(ill.see(false), { kind: 'ill', reason: 'silence', holdMs: 0 });
  assert.equal(ill.judge.isWell, false);
});

test('one good observation forgives the bad ones before it, and the other way round', () => {
  const bench = new Bench();
  bench.until(true);
  for (let i = 0; i < 50; i++) assert.equal(bench.see(i % 4 === 3), undefined);
  bench.until(false);
  for (let i = 0; i < 51; i++) assert.equal(bench.see(i % 3 !== 2), undefined);
});

test('a fourth fall within a minute holds for 30 s, each further one 30 s more, at most 300 s', () => {
  const bench = new Bench();
  bench.until(true);
  for (let i = 0; i < 3; i++) assert.equal(bench.fall().holdMs, 0);
  const holds = Array.from({ length: 12 }, () => {
    const { holdMs, outMs } = bench.fall();
    assert.ok(outMs >= holdMs && outMs <= holdMs + INTERVAL_MS, `${outMs} ms for ${holdMs} ms`);
    return holdMs / 1000;
  });
  assert.deepEqual(holds, [30, 60, 90, 120, 150, 180, 210, 240, 270, 300, 300, 300]);
});

test('a minute without a fall ends the punishment', () => {
  const bench = new Bench();
  bench.until(true);
  for (let i = 0; i < 3; i++) bench.fall();
  assert.equal(bench.fall().holdMs, 30_000);
  for (let i = 0; i < 60_000 / INTERVAL_MS; i++) assert.equal(bench.see(true), undefined);
  assert.equal(bench.fall().holdMs, 0);
});

test('falls that are far apart never hold, and neither does a hold of 0', () => {
  const rare = new Bench();
  rare.until(true);
  for (let i = 0; i < 20; i++) {
    for (let wait = 0; wait < 20_000 / INTERVAL_MS; wait++) rare.see(true);
    assert.equal(rare.fall().holdMs, 0);
  }
  const never = new Bench({ holdStepMs: 0 });
  never.until(true);
  for (let i = 0; i < 20; i++) assert.equal(never.fall().holdMs, 0);
});

test('properties: verdicts alternate, each has a full streak behind it, and none comes during a hold', () => {
  const settings = fc.record({
    fall: fc.integer({ min: 1, max: 6 }),
    rise: fc.integer({ min: 1, max: 6 }),
    maxFalls: fc.integer({ min: 0, max: 4 }),
    holdStepMs: fc.constantFrom(0, 1_000, 30_000),
  });
  const series = fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 30 })), {
    maxLength: 60,
  });
  fc.assert(fc.property(settings, series, checkSeries));
});

/** @param runs what is observed, and how often in a row */
function checkSeries(given: Partial<JudgeSettings>, runs: readonly (readonly [boolean, number])[]) {
  const bench = new Bench(given);
  let last: Verdict['kind'] | undefined;
  let heldUntilMs = 0;
  const check = (verdict: Verdict, isGood: boolean) => {
    assert.notEqual(verdict.kind, last);
    assert.equal(verdict.kind === 'well', isGood);
    assert.equal(bench.judge.isWell, isGood);
    if (verdict.kind === 'well') assert.ok(bench.nowMs >= heldUntilMs);
    else heldUntilMs = bench.nowMs + verdict.holdMs;
    last = verdict.kind;
  };
  for (const [isGood, length] of runs) {
    for (let i = 1; i <= length; i++) {
      const verdict = bench.see(isGood);
      if (verdict !== undefined) check(verdict, isGood);
    }
    // However it began: after a full streak, and without a hold, the verdict is in force.
    const threshold = (isGood ? given.rise : given.fall) ?? 1;
    const isDue = length >= threshold && bench.nowMs >= heldUntilMs;
    if (isDue) assert.equal(bench.judge.isWell, isGood);
  }
}
