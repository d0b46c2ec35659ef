import { Turn } from '../base/turn.ts';
import { formatEndpoint } from '../model/endpoint.ts';
import type { NewEvent } from '../model/events.ts';
import type { ExporterReport, ExporterStatus } from '../model/exporter-status.ts';
import { exporterKey } from '../model/rules.ts';

/** After counting began anew, everybody is new: who comes within this time is not told. */
const LEARNING_MS = 5 * 60_000;
/** First packets are known to the second. */
const SECOND_MS = 1000;

/**
 * Addresses from which packets have come for the first time (spec S44): another source port is no news.
 *
 * @param knownUntilMs until when those are known that were seen first: `knownUntilMs` of the look before
 * @returns one exporter of each, by the time of its first packet
 */
export async function findNew(
  { seen, since }: ExporterReport,
  knownUntilMs: number,
  nowMs: number,
): Promise<{ readonly found: readonly ExporterStatus[]; readonly knownUntilMs: number }> {
  const fromMs = Math.max(knownUntilMs, since.getTime() + LEARNING_MS);
  // That of the present second may be half of it.
  const untilMs = Math.floor(nowMs / SECOND_MS) * SECOND_MS - SECOND_MS;
  if (untilMs <= fromMs) return { found: [], knownUntilMs };
  const candidates = new Map<string, ExporterStatus>();
  await inTurns(seen, (exporter) => {
    const firstMs = exporter.firstSeen.getTime();
    if (firstMs > fromMs && firstMs <= untilMs) candidates.set(exporter.endpoint.host, exporter);
  });
  if (candidates.size > 0) {
    await inTurns(seen, ({ firstSeen, endpoint }) => {
      if (firstSeen.getTime() <= fromMs) candidates.delete(endpoint.host);
    });
  }
  const found = [...candidates.values()].sort((one, other) => +one.firstSeen - +other.firstSeen);
  return { found, knownUntilMs: untilMs };
}

/** Lets the process do other things in between. */
async function inTurns<T>(items: readonly T[], take: (item: T) => void): Promise<void> {
  const turn = new Turn();
  for (const item of items) {
    if (turn.isOver) await turn.next();
    take(item);
  }
}

export function newEvent({ endpoint, protocols, rule, description }: ExporterStatus): NewEvent {
  const protocol = protocols.join(', ');
  return rule === undefined
    ? {
        kind: 'ExporterNew',
        subject: formatEndpoint(endpoint),
        cause: `it sends ${protocol}, and no rule matches it: the default outputs get its packets`,
        advice: 'write a rule for it, or see why it sends to this address',
      }
    : {
        kind: 'ExporterNew',
        subject: formatEndpoint(endpoint),
        rule: exporterKey(rule),
        description,
        cause: `it sends ${protocol}`,
      };
}
