import type { Counters } from '../../model/statistics.ts';
import { COUNTER } from '../../native/layout.ts';
import { PROBE_SLOTS } from '../../table/slots.ts';
import { FORWARDER_COUNTERS, type KnownCounter } from '../../telemetry/catalogue.ts';
import type { ForwarderCounters } from '../../telemetry/status.ts';
import type { CounterMemory } from '../memory/counter-memory.ts';

/** Counters that packet I/O writes. */
type MemoryCounter = Extract<KnownCounter, { readonly counter: string }>;

type TrafficCounter = Extract<MemoryCounter, { readonly kind: 'traffic' }>;

/** Reads what packet I/O counts for a forwarder; our own test datagrams are left out. */
export function readForwarderCounters(
  memory: CounterMemory,
): Pick<ForwarderCounters, MemoryCounter['key']> {
  const values = FORWARDER_COUNTERS.flatMap((row) =>
    'counter' in row ? [[row.key, readCounter(memory, row)] as const] : [],
  );
  // One value of its kind for each row.
  return Object.fromEntries(values) as unknown as Pick<ForwarderCounters, MemoryCounter['key']>;
}

function readCounter(memory: CounterMemory, row: MemoryCounter) {
  switch (row.kind) {
    case 'count':
      return memory.counter(COUNTER[row.counter]);
    case 'errors':
      return memory.errors(COUNTER[row.counter]);
    case 'traffic':
      return without(
        memory.counter(COUNTER[`${row.counter}_PACKETS`]),
        memory.counter(COUNTER[`${row.counter}_BYTES`]),
        ofProbes(memory, row.key),
      );
  }
}

/** Our own test datagrams in a counter, or what comes back of them; pipelines get none. */
function ofProbes(memory: CounterMemory, key: TrafficCounter['key']): Counters {
  const answers = PROBE_SLOTS.outputs[0]?.collectors[0] ?? 0;
  switch (key) {
    case 'received':
      return memory.slot(PROBE_SLOTS.input);
    case 'forwarded':
      return memory.slot(answers);
    case 'pipelines':
      return { packets: 0n, bytes: 0n };
  }
}

/** The part is counted by the same process a moment later or earlier: never below zero. */
function without(packets: bigint, bytes: bigint, part: Counters): Counters {
  return {
    packets: packets > part.packets ? packets - part.packets : 0n,
    bytes: bytes > part.bytes ? bytes - part.bytes : 0n,
  };
}
