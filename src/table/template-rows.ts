import { watchKey } from '../model/collector-health.ts';
import type { Collector, CollectorOutput } from '../model/rules.ts';
import { COLLECTOR, OUTPUT, TABLE } from './layout.ts';
import type { Destinations, TargetRows } from './rows.ts';

/**
 * Writes into the rows of an output's collectors what packet I/O has to do with templates (spec R23, R24). By its rule,
 * not by how many collectors are up: the last one may be new to an exporter, and others come back.
 */
export function writeTemplates(
  rule: CollectorOutput,
  rows: TargetRows,
  returns?: Destinations['returns'],
): void {
  const flags = templateFlags(rule);
  if (flags === 0) return;
  const { output, collectors, order } = rows;
  const ipv4 = output[OUTPUT.COLLECTORS] as number;
  const ipv6 = output[OUTPUT.IPV6_COLLECTORS] as number;
  const sizes = (ipv4 << TABLE.GROUP_IPV4_SHIFT) | (ipv6 << TABLE.GROUP_IPV6_SHIFT);
  for (const [place, index] of order.entries()) {
    const at = place * COLLECTOR.WORDS;
    collectors[at + COLLECTOR.FLAGS] = (collectors[at + COLLECTOR.FLAGS] as number) | flags;
    collectors[at + COLLECTOR.GROUP] = sizes | place;
    const key = watchKey(rule.collectors[index] as Collector);
    collectors[at + COLLECTOR.RETURNS] = key === undefined ? 0 : (returns?.get(key) ?? 0);
  }
}

/** ALL is meant where collectors take turns. Where each exporter has its own, it may move to another one. */
export function templateFlags({ collectors, balance, templates }: CollectorOutput): number {
  if (collectors.length < 2 || templates === 'ONE') return 0;
  const isForAll = templates === 'ALL' || balance === undefined;
  return TABLE.COLLECTOR_TEMPLATES | (isForAll ? TABLE.COLLECTOR_TEMPLATES_ALL : 0);
}
