import { FLOW_STRUCTURES } from './flow-structures.ts';
import { HOST_COUNTERS } from './host-counters.ts';
import { INTERFACE_COUNTERS } from './interface-counters.ts';
import type { Structure } from './structure.ts';

/** Records of counter samples that are known, by format. */
export const COUNTER_RECORDS: ReadonlyMap<number, Structure> = byFormat([
  ...INTERFACE_COUNTERS,
  ...HOST_COUNTERS,
]);

/** Records of flow samples that are known, by format; all but the sampled header. */
export const FLOW_RECORDS: ReadonlyMap<number, Structure> = byFormat(FLOW_STRUCTURES);

function byFormat(structures: readonly Structure[]): ReadonlyMap<number, Structure> {
  return new Map(structures.map((structure) => [structure.format, structure]));
}
