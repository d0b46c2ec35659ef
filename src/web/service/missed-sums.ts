import type { ExporterStatus, SequenceLoss } from '../../model/exporter-status.ts';

/** What the numbers of an exporter miss, over all its ports and domains. */
export interface MissedSum {
  /** An address, or `all`. */
  readonly exporter: string;
  readonly protocol: SequenceLoss['protocol'];
  readonly lost: number;
}

const ALL = 'all';

/** Adds up what is missed by exporters that have a rule. */
export class MissedSums {
  /** As they were told last: counters must not go back when an exporter is forgotten. */
  readonly #told = new Map<string, MissedSum>();

  /** @param limit with more sums, those of all exporters are told together */
  read(exporters: readonly ExporterStatus[], limit: number): readonly MissedSum[] {
    const each = new Map<string, MissedSum>();
    const all = new Map<string, MissedSum>();
    for (const { endpoint, rule, missed } of exporters) {
      if (rule === undefined) continue;
      for (const { protocol, lost } of missed) {
        add(each, endpoint.host, protocol, lost);
        add(all, ALL, protocol, lost);
      }
    }
    const told = each.size > limit ? all : each;
    for (const key of this.#told.keys()) if (!told.has(key)) this.#told.delete(key);
    for (const [key, sum] of told) {
      if (sum.lost >= (this.#told.get(key)?.lost ?? 0)) this.#told.set(key, sum);
    }
    return [...this.#told.values()];
  }
}

function add(
  sums: Map<string, MissedSum>,
  exporter: string,
  protocol: SequenceLoss['protocol'],
  lost: bigint,
): void {
  const key = `${exporter} ${protocol}`;
  const before = sums.get(key)?.lost ?? 0;
  sums.set(key, { exporter, protocol, lost: before + Number(lost) });
}
