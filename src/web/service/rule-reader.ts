import { FloxyError } from '../../base/errors.ts';
import { EXPORTER_FORMS, parseExporterText } from '../../config/exporter-text.ts';
import type { ExporterReport } from '../../model/exporter-status.ts';
import { exporterKey } from '../../model/rules.ts';
import { kept } from '../page.ts';
import { SILENT_AFTER_MS, type ToldSilence } from './collector-metrics.ts';
import { type CollectorSum, CollectorSums } from './collector-sums.ts';
import { type MissedSum, MissedSums } from './missed-sums.ts';
import { countRules, type RuleCounts } from './rule-counts.ts';
import type { ToldRules } from './rule-metrics.ts';
import type { ProxySource, ServiceSource } from './source.ts';

/** What is told of rules, and of who sends and receives. */
export interface ToldFlow {
  readonly rules: ToldRules;
  readonly collectors: readonly CollectorSum[];
  readonly exporters: ExporterReport;
  readonly silence: ToldSilence;
  readonly missed: readonly MissedSum[];
}

/** Reads what is told of rules, within a limit of rules that are told one by one. */
export class RuleReader {
  readonly #service: ServiceSource;
  readonly #proxy: ProxySource;
  readonly #limit: number;
  /** What came for all rules, as it was told last: it must not go back, whatever is counted between two looks. */
  #matched: readonly [number, number] = [0, 0];
  readonly #collectorSums = new CollectorSums();
  readonly #missedSums = new MissedSums();
  readonly #all = kept(() => this.#readAll());

  constructor(service: ServiceSource, proxy: ProxySource, limit: number) {
    this.#service = service;
    this.#proxy = proxy;
    this.#limit = limit;
  }

  all(): Promise<ToldFlow> {
    return this.#all();
  }

  /** @param exporters keys of rules */
  async some(exporters: ReadonlySet<string>): Promise<ToldRules> {
    const counts = await countRules(() => this.#proxy.presentRules(), { exporters });
    return { counts, isPart: true };
  }

  async #readAll(): Promise<ToldFlow> {
    const limit = this.#limit;
    const counts = await countRules(() => this.#proxy.presentRules(), { limit });
    const matched = counts.areTooMany ? this.#sum(counts) : undefined;
    const exporters = await this.#proxy.exporters(SILENT_AFTER_MS);
    return {
      rules: { counts, matched, isPart: false },
      collectors: this.#collectorSums.read(await this.#proxy.collectors(), limit),
      exporters,
      silence: { silent: this.#proxy.silentExporters(), limit, now: new Date() },
      missed: this.#missedSums.read(exporters.seen, limit),
    };
  }

  /** What forwarders received and no default outputs took. */
  #sum({ mismatched }: RuleCounts): readonly [number, number] {
    const ended = this.#service.endedForwarders()?.counters;
    const all = [...this.#service.forwarders(), ...(ended === undefined ? [] : [ended])];
    let packets = -mismatched.packets;
    let bytes = -mismatched.bytes;
    for (const { received } of all) {
      packets += received.packets;
      bytes += received.bytes;
    }
    const [before, bytesBefore] = this.#matched;
    this.#matched = [Math.max(before, Number(packets)), Math.max(bytesBefore, Number(bytes))];
    return this.#matched;
  }
}

/**
 * Rules that a page is asked for: `?rule=192.0.2.1&rule=10.20.0.0/16`.
 *
 * @returns keys of rules; undefined when none is named: all are meant
 * @throws FloxyError INVALID_INPUT
 */
export function readRuleQuery(query: URLSearchParams): ReadonlySet<string> | undefined {
  const texts = query.getAll('rule');
  if (texts.length === 0) return undefined;
  return new Set(texts.map(readRule));
}

function readRule(text: string): string {
  const exporter = parseExporterText(text);
  if (exporter !== undefined) return exporterKey(exporter);
  const shown = JSON.stringify(text.slice(0, 100));
  throw new FloxyError('INVALID_INPUT', `rule=${shown} is no exporter: ${EXPORTER_FORMS}`);
}
