import { formatSpan } from '../base/duration.ts';
import { Turn } from '../base/turn.ts';
import { SILENCE_ADVICE, silenceOf } from '../control/silence.ts';
import { formatEndpoint } from '../model/endpoint.ts';
import type { NewEvent } from '../model/events.ts';
import type { ExporterReport, ExporterStatus, SilentExporter } from '../model/exporter-status.ts';
import { type Exporter, exporterKey } from '../model/rules.ts';

/** An exporter of a network that is silent for so long is not expected any more: nobody takes it out of a rule. */
const EXPECTED_FOR_MS = 7 * 86_400_000;

const SECOND_MS = 1000;

/** Whom rules expect. */
export interface Expected {
  /** By rule and name, as in the look before. */
  readonly silent: ReadonlyMap<string, SilentExporter>;
  /** Those that were silent and are not any more. */
  readonly back: ReadonlyMap<string, SilentExporter>;
}

/** An exporter with the time of its last packet, over all its ports unless its rule has one. */
interface Heard {
  readonly name: string;
  readonly rule: Exporter;
  readonly description: string | undefined;
  readonly expectEveryMs: number;
  lastMs: number;
}

/**
 * Who is expected and has been silent for longer (spec S43): exporters of rules that expect something, and rules of which
 * nothing ever came. Lets the process do other things in between.
 *
 * @param before who was silent at the look before
 * @param sinceMs since when something is expected by a rule of which nothing ever came
 */
export async function lookAtExpected(
  report: ExporterReport,
  before: ReadonlyMap<string, SilentExporter>,
  { nowMs, sinceMs }: { readonly nowMs: number; readonly sinceMs: (rule: Exporter) => number },
): Promise<Expected> {
  const heard = await whoWasHeard(report.seen);
  const silent = new Map<string, SilentExporter>();
  for (const [key, one] of heard) {
    const { name: exporter, rule, description, expectEveryMs, lastMs } = one;
    if (!isSilent(one, nowMs)) continue;
    const lastSeen = new Date(lastMs);
    silent.set(key, {
      exporter,
      rule,
      description,
      expectEveryMs,
      lastSeen,
      silentSince: lastSeen,
    });
  }
  for (const { exporter: rule, description, expectEveryMs, lastSeen } of report.silent) {
    const since = sinceMs(rule);
    if (expectEveryMs === undefined || lastSeen !== undefined) continue;
    if (nowMs - since <= expectEveryMs) continue;
    const exporter = exporterKey(rule);
    const silentSince = new Date(since);
    silent.set(keyOf(exporter, exporter), {
      exporter,
      rule,
      description,
      expectEveryMs,
      silentSince,
    });
  }
  const rules = new Set(Array.from(heard.values(), ({ rule }) => exporterKey(rule)));
  const isBack = ([key, { exporter, lastSeen }]: readonly [string, SilentExporter]) => {
    const known = heard.get(key);
    // It may have fallen silent again since.
    if (known !== undefined) return known.lastMs > (lastSeen?.getTime() ?? 0);
    return !silent.has(key) && rules.has(exporter);
  };
  return { silent, back: new Map([...before].filter(isBack)) };
}

async function whoWasHeard(seen: readonly ExporterStatus[]): Promise<Map<string, Heard>> {
  const heard = new Map<string, Heard>();
  /** Rules are the same objects for all their exporters. */
  const names = new Map<Exporter, string>();
  const turn = new Turn();
  for (const { endpoint, rule, description, expectEveryMs, lastSeen } of seen) {
    if (turn.isOver) await turn.next();
    if (rule === undefined || expectEveryMs === undefined) continue;
    const ruleName = names.get(rule) ?? exporterKey(rule);
    names.set(rule, ruleName);
    const name = rule.endpoint.port === 0 ? endpoint.host : formatEndpoint(endpoint);
    const key = keyOf(ruleName, name);
    const lastMs = lastSeen.getTime();
    const known = heard.get(key);
    if (known === undefined) heard.set(key, { name, rule, description, expectEveryMs, lastMs });
    else if (lastMs > known.lastMs) known.lastMs = lastMs;
  }
  return heard;
}

function isSilent({ rule, expectEveryMs, lastMs }: Heard, nowMs: number): boolean {
  // The second of the last packet is known, not when in it.
  const silentMs = nowMs - lastMs - SECOND_MS;
  const isForgotten =
    rule.prefixLength !== undefined && silentMs > Math.max(EXPECTED_FOR_MS, 2 * expectEveryMs);
  return silentMs > expectEveryMs && !isForgotten;
}

function keyOf(rule: string, exporter: string): string {
  return `${rule} ${exporter}`;
}

export function silentEvent(one: SilentExporter, nowMs: number): NewEvent {
  return {
    kind: 'ExporterSilent',
    subject: one.exporter,
    rule: exporterKey(one.rule),
    description: one.description,
    cause: silenceOf(one, nowMs),
    advice: SILENCE_ADVICE,
  };
}

export function backEvent(
  { exporter, rule, description, silentSince }: SilentExporter,
  nowMs: number,
): NewEvent {
  const cause = `it was silent for ${formatSpan(nowMs - silentSince.getTime())}`;
  return { kind: 'ExporterBack', subject: exporter, rule: exporterKey(rule), description, cause };
}
