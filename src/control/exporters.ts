import type { ExporterReport, ExporterStatus, SilentRule } from '../model/exporter-status.ts';
import type { Rule } from '../model/rules.ts';
import { ruleFinder } from '../rules/rule-finder.ts';
import { descriptionOf } from '../rules/words.ts';
import type { RuleSetCounters, Sightings } from './ports.ts';
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
  const { sightings, ruleSet, byExporter, counters, pause } = source;
  const finder = ruleFinder(ruleSet, byExporter);
  /** When something of a rule came last. */
  const lastSeen = new Map<Rule, number>();
  const seen: ExporterStatus[] = [];
  for (const exporter of sightings.exporters) {
    const isValid = pause();
    if (isValid !== true && !(await isValid)) return undefined;
    const rules = rulesOf(finder.find(exporter.endpoint), counters);
    const [rule] = rules;
    seen.push(rule === undefined ? exporter : { ...exporter, ...ruleFields(rule) });
    note(lastSeen, rules, exporter.lastSeen.getTime());
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

function note(lastSeen: Map<Rule, number>, rules: readonly Rule[], atMs: number): void {
  for (const rule of rules) lastSeen.set(rule, Math.max(lastSeen.get(rule) ?? 0, atMs));
}

/**
 * The rules that handle packets of an exporter now: one, or several that differ in their listening port, of which is not
 * known to which of them the exporter sends (spec S24). Those that have counted nothing are none, unless no other is left.
 *
 * @param matching all that can have its packets, the one before all others first
 */
function rulesOf(matching: readonly Rule[], counters: RuleSetCounters): readonly Rule[] {
  const any = matching.findIndex(({ exporter }) => exporter.listeningPort === undefined);
  if (any === 0) return matching.slice(0, 1);
  const possible = any < 0 ? matching : matching.slice(0, any + 1);
  const counted = possible.filter((rule) => counters.input(rule).packets > 0n);
  return counted.length > 0 ? counted : possible.slice(-1);
}

function silentRule(
  rule: Rule,
  lastSeen: number | undefined,
  { counters, sightings, silentAfterMs, now }: ExporterSource,
): SilentRule | undefined {
  const { rule: exporter, ...fields } = ruleFields(rule);
  const limitMs = rule.expectEveryMs ?? silentAfterMs;
  if (lastSeen !== undefined) {
    const isSilent = now - lastSeen > limitMs;
    return isSilent ? { exporter, lastSeen: new Date(lastSeen), ...fields } : undefined;
  }
  // What had to make room may have come just now.
  const isKnown = sightings.forgotten === 0n || counters.input(rule).packets === 0n;
  const isSilent = isKnown && now - sightings.since.getTime() > limitMs;
  return isSilent ? { exporter, ...fields } : undefined;
}

function ruleFields(rule: Rule) {
  const { exporter, expectEveryMs } = rule;
  const expectation = expectEveryMs === undefined ? {} : { expectEveryMs };
  return { rule: exporter, ...expectation, ...descriptionOf(rule) };
}
