import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import fc from 'fast-check';
import { parseAddress } from '../model/address.ts';
import { makeEndpoint } from '../model/endpoint.ts';
import type { Health } from '../model/rules.ts';
import type { Outcome } from './checks/check.ts';
import { Watch } from './watch.ts';
import { watchSettings } from './watch-settings.ts';

const endpoint = makeEndpoint(parseAddress('192.0.2.1') as Uint8Array, 2055);

/** The clock of a test goes by these: what is due begins so much later at most. */
const STEP_MS = 10;

/** Lets what waits for promises go on. */
async function settle(): Promise<void> {
  for (let i = 0; i < 8; i++) await Promise.resolve();
}

/** A collector that answers at once while it lives, and never when it is dead. */
class Life {
  readonly watch: Watch;
  readonly settings;
  isDead = false;
  checks = 0;
  turns = 0;

  constructor(health: Health, stretch = 1) {
    this.settings = watchSettings({ endpoint, weight: 1, health }, 2055);
    this.watch = new Watch({
      endpoint,
      settings: this.settings,
      wasDown: false,
      ask: ({ timeoutMs }) => this.#ask(timeoutMs),
      stretch: () => stretch,
      turned: () => this.turns++,
      problemChanged: () => undefined,
    });
  }

  async pass(ms: number, step = STEP_MS): Promise<void> {
    for (let passed = 0; passed < ms; passed += step) {
      mock.timers.tick(Math.min(step, ms - passed));
      await settle();
    }
  }

  #ask(timeoutMs: number): Promise<Outcome> {
    this.checks++;
    if (!this.isDead) return Promise.resolve({ kind: 'good' });
    return new Promise((resolve) => {
      setTimeout(() => resolve({ kind: 'failed', cause: 'dead' }), timeoutMs);
    });
  }
}

function withClock(body: () => Promise<void>): Promise<void> {
  mock.timers.enable({ apis: ['setTimeout'] });
  let nowMs = 0;
  const clock = mock.method(performance, 'now', () => nowMs);
  const tick = mock.timers.tick.bind(mock.timers);
  const ticking = mock.method(mock.timers, 'tick', (ms: number) => {
    nowMs += ms;
    tick(ms);
  });
  return body().finally(() => {
    ticking.mock.restore();
    clock.mock.restore();
    mock.timers.reset();
  });
}

test('H2: a collector that dies is down within fall times interval, whenever it dies', () =>
  fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 2, max: 6 }),
      fc.integer({ min: 2, max: 20 }).map((n) => n * 100),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (fall, intervalMs, phase, start) =>
        withClock(async () => {
          const life = new Life({ fall, intervalMs });
          const random = mock.method(Math, 'random', () => start);
          life.watch.start();
          random.mock.restore();
          await life.pass(intervalMs * (2 + phase));
          assert.equal(life.watch.status().state, 'up');
          life.isDead = true;
          // The last check, and its timeout, are a step late each; the millisecond is for sums of fractions.
          await life.pass(intervalMs * fall + 2 * STEP_MS + 1);
          assert.equal(life.watch.status().state, 'down');
          const before = life.checks;
          await life.pass(10 * intervalMs);
          const checks = life.checks - before;
          assert.ok(checks >= 9 && checks <= 11, `${checks} checks in 10 intervals`);
          life.isDead = false;
          await life.pass(intervalMs * 3);
          assert.equal(life.watch.status().state, 'up');
          assert.equal(life.turns, 3);
          life.watch.stop();
        }),
    ),
    { numRuns: 40, examples: [[5, 1100, 0, 0.999]] },
  ));

test('H2: where timeouts leave no room, checks follow each other', () => {
  const { recheckMs } = watchSettings(
    { endpoint, weight: 1, health: { intervalMs: 1000, timeoutMs: 1000, fall: 2 } },
    2055,
  );
  assert.equal(recheckMs, 1000);
});

test('H1: checks are spread over the interval, and a stopped watch makes none', () =>
  withClock(async () => {
    const lives = Array.from({ length: 200 }, () => new Life({ intervalMs: 1000 }));
    for (const { watch } of lives) watch.start();
    const checks = () => lives.reduce((sum, life) => sum + life.checks, 0);
    for (let i = 0; i < 10; i++) {
      const before = checks();
      mock.timers.tick(100);
      await settle();
      assert.ok(checks() - before < 60, `${checks() - before} of 200 in a tenth of the interval`);
    }
    assert.equal(checks(), 200);
    for (const { watch } of lives) watch.stop();
    await lives[0]?.pass(3000, 100);
    assert.equal(checks(), 200);
  }));

test('H1: a collector without port is asked at the listening port, or at that of its check', () => {
  const withoutPort = makeEndpoint(endpoint.octets, 0);
  const portOf = (health: Health) =>
    watchSettings({ endpoint: withoutPort, weight: 1, health }, 9995).endpoint.port;
  assert.equal(portOf({ check: 'PORT' }), 9995);
  assert.equal(portOf({ check: 'TCP', port: 8086 }), 8086);
  assert.equal(watchSettings({ endpoint, weight: 1, health: {} }, 9995).endpoint.port, 2055);
});
