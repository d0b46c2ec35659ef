const IMMEDIATE_RESTARTS = 2;
const RESTART_DELAY_MS = 100;
const MAX_RESTART_DELAY_MS = 5000;

/** How long to wait before a process is started again. @param earlyDeaths in a row, each soon after its start */
export function restartDelayMs(earlyDeaths: number): number {
  if (earlyDeaths <= IMMEDIATE_RESTARTS) return 0;
  const delayMs = RESTART_DELAY_MS * 2 ** (earlyDeaths - IMMEDIATE_RESTARTS - 1);
  return Math.min(delayMs, MAX_RESTART_DELAY_MS);
}
