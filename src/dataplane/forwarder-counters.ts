import type { Counters } from '../model/statistics.ts';
import type { ForwarderStatus } from '../model/status.ts';
import { COUNTER } from '../native/packet-io.ts';
import { PROBE_SLOTS } from '../table/slots.ts';
import type { CounterMemory } from './memory/counter-memory.ts';

/** What packet I/O counts for a forwarder. */
export type ForwarderCounters = Omit<ForwarderStatus, 'index' | 'pid' | 'restarts' | 'kernelDrops'>;

/** Reads them from memory; our own test datagrams are left out. */
export function readForwarderCounters(memory: CounterMemory): ForwarderCounters {
  const probes = memory.slot(PROBE_SLOTS.input);
  const answers = memory.slot(PROBE_SLOTS.outputs[0]?.collectors[0] ?? 0);
  return {
    received: without(
      memory.counter(COUNTER.RECEIVED_PACKETS),
      memory.counter(COUNTER.RECEIVED_BYTES),
      probes,
    ),
    forwarded: without(
      memory.counter(COUNTER.FORWARDED_PACKETS),
      memory.counter(COUNTER.FORWARDED_BYTES),
      answers,
    ),
    droppedByRule: memory.counter(COUNTER.DROPPED_BY_RULE),
    noEligibleCollector: memory.counter(COUNTER.NO_ELIGIBLE_COLLECTOR),
    truncated: memory.counter(COUNTER.TRUNCATED),
    fragmented: memory.counter(COUNTER.FRAGMENTED),
    fragments: memory.counter(COUNTER.FRAGMENTS),
    sendRetries: memory.counter(COUNTER.SEND_RETRIES),
    sendErrors: memory.errors(COUNTER.SEND_ERRORS),
    receiveErrors: memory.errors(COUNTER.RECEIVE_ERRORS),
  };
}

/** The part is counted by the same process a moment later or earlier: never below zero. */
function without(packets: bigint, bytes: bigint, part: Counters): Counters {
  return {
    packets: packets > part.packets ? packets - part.packets : 0n,
    bytes: bytes > part.bytes ? bytes - part.bytes : 0n,
  };
}
