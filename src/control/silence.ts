import { formatDuration, formatSpan } from '../base/duration.ts';
import type { SilentExporter } from '../model/exporter-status.ts';

export const SILENCE_ADVICE =
  'does it run, does it still send to this address, and does anything drop its packets on the way?';

/** `silent for 12m 30s, expected every 5m`: of an exporter, in words. */
export function silenceOf(
  { expectEveryMs, lastSeen, silentSince }: SilentExporter,
  nowMs: number,
): string {
  const span = formatSpan(nowMs - silentSince.getTime());
  const silence = lastSeen === undefined ? `nothing has come for ${span}` : `silent for ${span}`;
  return `${silence}, expected every ${formatDuration(expectEveryMs)}`;
}
