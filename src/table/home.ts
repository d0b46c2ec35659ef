import type { Endpoint } from '../model/endpoint.ts';
import type { Collector } from '../model/rules.ts';
import { affinity, collectorNumber, costOf, exporterNumber } from './rendezvous.ts';
import { addressWords } from './rows.ts';

/**
 * Which of several collectors has the packets of an exporter in an output that hashes (spec R20), for who explains it: what
 * moves packets finds the same in rows of a table.
 *
 * @param collectors that can take the packets, at least one
 * @param hasPort the source port decides, too
 */
export function homeOf(
  collectors: readonly Collector[],
  source: Endpoint,
  hasPort: boolean,
): Collector {
  const exporter = exporterNumber(...addressWords(source), hasPort ? source.port : 0);
  const claims = collectors.map((collector) => {
    const { endpoint, weight } = collector;
    const found = affinity(exporter, collectorNumber(addressWords(endpoint), endpoint.port));
    return { collector, weight, affinity: found, cost: costOf(found) };
  });
  return claims.reduce((best, other) => {
    const difference = other.cost * best.weight - best.cost * other.weight;
    const isBetter = difference < 0 || (difference === 0 && other.affinity > best.affinity);
    return isBetter ? other : best;
  }).collector;
}
