import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Control } from '../control/control.ts';
import { DrainWatch } from './drain-watch.ts';

const POLL_INTERVAL_MS = 100;

/**
 * Asks the network to send flow elsewhere, and forwards until no more comes or the limit has passed.
 *
 * @param limitSeconds 0 = does nothing
 */
export async function drainBeforeEnd(
  control: Pick<Control, 'setDraining' | 'status'>,
  limitSeconds: number,
  log: Logger,
): Promise<void> {
  if (limitSeconds === 0) return;
  control.setDraining(true);
  log.info({ limitSeconds }, 'draining before the end: health is NOT_SERVING');
  const startMs = performance.now();
  const watch = new DrainWatch(startMs, limitSeconds * 1000);
  let state = watch.observe(receivedPackets(control), startMs);
  while (state === 'draining') {
    await delay(POLL_INTERVAL_MS);
    state = watch.observe(receivedPackets(control), performance.now());
  }
  const details = { tookMs: Math.round(performance.now() - startMs) };
  if (state === 'drained') log.info(details, 'drained: no more packets come');
  else log.warn(details, 'not drained: packets still come, and the limit has passed');
}

function receivedPackets(control: Pick<Control, 'status'>): bigint {
  return control.status().forwarders.reduce((sum, { received }) => sum + received.packets, 0n);
}
