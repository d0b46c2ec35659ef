/** What a machine can do, before a share of it is asked for. */
import { setTimeout as delay } from 'node:timers/promises';
import type { LoadStage } from '../test/load/load-stage.ts';

const WARM_UP_MS = 500;
const MEASURE_MS = 1_000;

/** Packets per second that the forwarders take during this time. */
export async function measureRate(stage: LoadStage, ms: number): Promise<number> {
  const sample = async () => ({ at: performance.now(), ...(await stage.totals()) });
  const first = await sample();
  await delay(ms);
  const last = await sample();
  return ((last.received - first.received) / (last.at - first.at)) * 1000;
}

/**
 * Packets per second that the forwarders take when the generator does all it can, and so gets in their way: what
 * they can take without loss is somewhat more.
 */
export async function measureCapacity(stage: LoadStage): Promise<number> {
  const generator = stage.startHostile({ kinds: ['storm'], packetsPerSecond: 0 });
  await delay(WARM_UP_MS);
  const packetsPerSecond = await measureRate(stage, MEASURE_MS);
  stage.add(await generator.stop());
  await stage.settle();
  return packetsPerSecond;
}
