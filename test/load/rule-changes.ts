/**
 * Rule sets that replace one another under load, and what has to be true of every copy then (spec R13, A8):
 * packets that were sent after the answer to a change are handled by the new rules.
 */
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { Arrived } from '../../tools/traffic/judge.ts';
import type { LoadStage } from './load-stage.ts';
import { GENERATIONS } from './plan.ts';

/** Date.now() tells whole milliseconds that have passed. */
const CLOCK_STEP_MS = 1;

export class RuleChanges {
  readonly #stage: LoadStage;
  #generation = 0;
  /** When the answer to each generation's change was here, by generation. */
  readonly #answeredAtMs = new Map<number, number>();

  constructor(stage: LoadStage) {
    this.#stage = stage;
  }

  /** Changes made so far. */
  get count(): number {
    return this.#generation;
  }

  /** Replaces all rules by the next generation's. */
  async next(): Promise<void> {
    const generation = this.#generation + 1;
    await this.#stage.api.replace(this.#stage.rules(generation));
    this.#generation = generation;
    this.#answeredAtMs.set(generation, Date.now());
  }

  /** Replaces rules so many times, at most so many times a second. */
  async make(changes: number, changesPerSecond: number): Promise<void> {
    const start = performance.now();
    for (let i = 0; i < changes; i++) {
      const dueMs = start + (i * 1000) / changesPerSecond - performance.now();
      if (dueMs > 0) await delay(dueMs);
      await this.next();
    }
  }

  /** No packet that was sent after the answer to a change was handled by older rules. */
  assertInForceWhenAnswered({ generations }: Arrived): void {
    for (const { generation: number, lastSentAtMs } of generations) {
      // The last one of those with this number.
      const rounds = Math.floor((this.#generation - number) / GENERATIONS);
      const generation = number + rounds * GENERATIONS;
      const answeredAtMs = this.#answeredAtMs.get(generation + 1);
      if (answeredAtMs === undefined) continue;
      const lateMs = lastSentAtMs - answeredAtMs;
      const what = `a packet sent ${lateMs} ms after the answer to change ${generation + 1}`;
      assert.ok(lateMs <= CLOCK_STEP_MS, `${what} was handled by the rules before it`);
    }
  }
}
