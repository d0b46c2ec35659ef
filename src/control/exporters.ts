import { formatEndpoint, makeEndpoint } from '../model/endpoint.ts';
import type {
  ExporterReport,
  ExporterStatus,
  SeenExporter,
  SilentRule,
} from '../model/exporter-status.ts';
import type { Rule } from '../model/rules.ts';
import type { Sightings } from './ports.ts';
import type { StatisticsSource } from './statistics.ts';

export interface ExporterSource extends StatisticsSource {
  readonly sightings: Sightings;
  readonly silentAfterMs: number;
  readonly now: number;
}

/**
 * Who sends, by which rule, and of which rules nothing comes (spec S24).
 *
 * @returns undefined when the source was out of date before all was collected
 */
export async function collectExporters(
  source: ExporterSource,
): Promise<ExporterReport | undefined> {
  const { sightings, ruleSet, pause } = source;
  /** When something of a rule came last. */
  const lastSeen = new Map<Rule, number>();
  const seen: ExporterStatus[] = [];
  for (const exporter of sightings.exporters) {
    const isValid = pause();
    if (isValid !== true && !(await isValid)) return undefined;
    const rule = ruleOf(exporter, source.byExporter);
    seen.push(rule === undefined ? exporter : { ...exporter, rule: rule.exporter });
    if (rule === undefined) continue;
    lastSeen.set(rule, Math.max(lastSeen.get(rule) ?? 0, exporter.lastSeen.getTime()));
  }
  const silent: SilentRule[] = [];
  for (const rule of ruleSet.rules) {
    const isValid = pause();
    if (isValid !== true && !(await isValid)) return undefined;
    const one = silentRule(rule, lastSeen.get(rule), source);
    if (one !== undefined) silent.push(one);
  }
  return { since: sightings.since, seen, silent, forgotten: sightings.forgotten };
}

/** The rule that handles its packets (spec R1). */
function ruleOf({ endpoint }: SeenExporter, byExporter: ReadonlyMap<string, Rule>) {
  const { host, octets, port } = endpoint;
  // Port 0 is none in rules: no rule names it.
  const exact = port === 0 ? undefined : byExporter.get(formatEndpoint(endpoint));
  return exact ?? byExporter.get(port === 0 ? host : formatEndpoint(makeEndpoint(octets, 0)));
}

function silentRule(
  rule: Rule,
  lastSeen: number | undefined,
  { counters, sightings, silentAfterMs, now }: ExporterSource,
): SilentRule | undefined {
  const { exporter } = rule;
  if (lastSeen !== undefined) {
    const isSilent = now - lastSeen > silentAfterMs;
    return isSilent ? { exporter, lastSeen: new Date(lastSeen) } : undefined;
  }
  // What had to make room may have come just now.
  const isKnown = sightings.forgotten === 0n || counters.input(rule).packets === 0n;
  return isKnown && now - sightings.since.getTime() > silentAfterMs ? { exporter } : undefined;
}
