/** Rings that an earlier control's forwarders wrote. */
import { openSync } from 'node:fs';
import { ringBytes } from '../../native/ring-memory.ts';
import type { RingMemory } from '../memory/packet-rings.ts';
import type { Predecessor } from './predecessor.ts';

/** The ring of a forwarder before, when it is of this size. */
export function ringToGoOnWith(predecessor: Predecessor, bytes: number): RingMemory | undefined {
  const memory = ringOf(predecessor);
  return memory !== undefined && ringBytes(memory.ring) === bytes ? memory : undefined;
}

/** Rings that workers can still read, as descriptors of their own. */
export function leftRings(predecessors: readonly Predecessor[]): readonly RingMemory[] {
  return predecessors.flatMap((predecessor) => {
    const memory = ringOf(predecessor);
    // 0: of another layout.
    if (memory === undefined || ringBytes(memory.ring) === 0) return [];
    return [{ ring: anotherWayTo(memory.ring), readers: anotherWayTo(memory.readers) }];
  });
}

/** Another descriptor of the same memory. */
export function anotherWayTo(fd: number): number {
  return openSync(`/proc/self/fd/${fd}`, 'r+');
}

function ringOf({ descriptors }: Predecessor): RingMemory | undefined {
  const { ring, 'ring readers': readers } = descriptors;
  return ring === undefined || readers === undefined ? undefined : { ring, readers };
}
