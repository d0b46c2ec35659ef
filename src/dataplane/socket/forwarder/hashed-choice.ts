import type { ForwardingTable } from '../../../table/forwarding-table.ts';
import { COLLECTOR } from '../../../table/layout.ts';
import { affinity, costOf, leastCostOf } from '../../../table/rendezvous.ts';

/**
 * Which of the first collectors of an output an exporter's packets go to (spec R20): the one with the greatest affinity.
 *
 * @param first the first collector of the output
 * @param eligible how many of them can take the packet, at least 1
 * @param exporter as exporterNumber() makes it
 * @returns which of them
 */
export function chooseEven(
  { words, collectorsAtBytes }: ForwardingTable,
  first: number,
  eligible: number,
  exporter: number,
): number {
  let at = (collectorsAtBytes >> 2) + first * COLLECTOR.WORDS + COLLECTOR.SEED;
  let best = 0;
  let greatest = -1;
  for (let i = 0; i < eligible; i++, at += COLLECTOR.WORDS) {
    const found = affinity(exporter, words[at] as number);
    if (found <= greatest) continue;
    greatest = found;
    best = i;
  }
  return best;
}

/**
 * Does the same by weights: the one that costs least for its weight. Of two that cost the same, the one with the greater
 * affinity: as without weights, so that a collector of another weight moves no exporter from one to another of those
 * that were there.
 */
export function chooseByWeight(
  { words, collectorsAtBytes }: ForwardingTable,
  first: number,
  eligible: number,
  exporter: number,
): number {
  let at = (collectorsAtBytes >> 2) + first * COLLECTOR.WORDS;
  let best = 0;
  let bestCost = 0;
  let bestWeight = 0;
  let bestAffinity = 0;
  let before = 0;
  for (let i = 0; i < eligible; i++, at += COLLECTOR.WORDS) {
    const upTo = words[at + COLLECTOR.WEIGHTS] as number;
    const weight = upTo - before;
    before = upTo;
    const found = affinity(exporter, words[at + COLLECTOR.SEED] as number);
    if (leastCostOf(found) * bestWeight > bestCost * weight) continue;
    const cost = costOf(found);
    // At most 2^40 on both sides. The weight of none is 0, which makes the first one better.
    const difference = cost * bestWeight - bestCost * weight;
    if (i > 0 && (difference > 0 || (difference === 0 && found <= bestAffinity))) continue;
    best = i;
    bestCost = cost;
    bestWeight = weight;
    bestAffinity = found;
  }
  return best;
}
