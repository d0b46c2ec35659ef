import type { CollectorStatus } from '../../model/collector-status.ts';
import { described } from '../../model/described.ts';
import { formatEndpoint } from '../../model/endpoint.ts';
import type { ProblemMessage } from '../../protocol/view-messages.ts';
import { sendErrorAdvice } from '../../telemetry/send-errors.ts';

/** More are counted, not named. */
const MAX_NAMED = 5;

interface Found extends ProblemMessage {
  readonly isGrave?: boolean;
}

/**
 * Collectors that cannot be reached, and those to which copies were lost lately, each by name.
 *
 * @param since what was lost before is not told
 */
export function collectorProblems(collectors: readonly CollectorStatus[], since: Date): Found[] {
  const found = collectors.flatMap((collector) => problemOf(collector, since) ?? []);
  const named = found.toSorted((one, other) => Number(other.isGrave) - Number(one.isGrave));
  const more = found.length - MAX_NAMED;
  if (more <= 0) return named;
  const isGrave = found.some((problem) => problem.isGrave);
  const what = `${more} more collectors have trouble: \`floxy collectors --sort lost\` names them`;
  return [...named.slice(0, MAX_NAMED), { what, isGrave }];
}

function problemOf(collector: CollectorStatus, since: Date): Found | undefined {
  const { endpoint, outputs, problem, lastError } = collector;
  // Rules name it no more.
  if (outputs === 0) return undefined;
  const name = `collector ${described(formatEndpoint(endpoint), collector.description)}`;
  if (problem !== undefined) return { what: `${name}: ${problem}`, isGrave: true };
  if (lastError === undefined || lastError.at < since) return undefined;
  const { code, exporter, at } = lastError;
  const when = at.toISOString().slice(11, 19);
  const of = exporter === undefined ? '' : ` of exporter ${formatEndpoint(exporter)}`;
  const what = `${name}: copies were lost, the last one${of} at ${when} UTC (${code})`;
  const advice = sendErrorAdvice(code);
  return { what, isGrave: false, ...(advice && { advice }) };
}
