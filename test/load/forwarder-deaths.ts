/** Deaths of forwarders under load. */
import assert from 'node:assert/strict';
import { HANG_MS, isAlive, waitFor } from '../lab/shell.ts';
import type { LoadStage } from './load-stage.ts';

/** Sends a signal to a forwarder and waits until another process works in its place. */
export async function replaceForwarder(
  stage: LoadStage,
  index: number,
  signal: 'SIGKILL' | 'SIGSTOP',
): Promise<{ endedAfterMs: number; replacedAfterMs: number }> {
  const pid = (await stage.api.status()).forwarders[index]?.pid;
  assert.ok(pid, `forwarder ${index} runs`);
  const start = performance.now();
  process.kill(pid, signal);
  await waitFor(`forwarder ${pid} has ended`, () => !isAlive(pid), HANG_MS, 5);
  const endedAfterMs = performance.now() - start;
  const isReplaced = async () => {
    const { proxy, forwarders } = await stage.api.status();
    const now = forwarders[index]?.pid;
    return proxy.state === 'OK' && now !== undefined && now !== pid;
  };
  await waitFor('a new forwarder works', isReplaced);
  return { endedAfterMs, replacedAfterMs: performance.now() - start };
}
