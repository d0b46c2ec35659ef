/**
 * What workers count beside decoders, described here once: shared memory, API, metrics and documents follow. One word
 * each (a double, exact to 2^53). They only grow, unless they are a gauge.
 */
import { DECODE_COUNTERS } from '../decode/counters.ts';
import type { EnrichCounters } from '../enrich/enricher.ts';

interface Description {
  readonly kind: 'counter' | 'gauge';
  readonly meaning: string;
  /** What it costs: what is lost when it grows. */
  readonly loss?: true;
}

const counter = (meaning: string) => ({ kind: 'counter', meaning }) as const;
const loss = (meaning: string) => ({ kind: 'counter', meaning, loss: true }) as const;
const gauge = (meaning: string) => ({ kind: 'gauge', meaning }) as const;

/** Of the worker itself. */
export const WORKER_COUNTERS = {
  datagrams: counter('datagrams that were decoded, whatever became of them'),
  crashedDatagrams: loss(
    'datagrams at which the decoder failed by a fault of its own: kept as pcap for a report',
  ),
  batches: counter('batches of rows that were encoded'),
  rows: counter('flow records that went into batches'),
  rowsWaiting: gauge('flow records in the batch that is being filled'),
  rowsFailed: loss('flow records that could not be encoded, by a fault of enrichment or format'),
  messages: counter('messages that were offered to the producer'),
  messageBytes: counter('octets of them'),
  busyMs: counter('milliseconds at work, of one processor'),
} as const satisfies Record<string, Description>;

export type WorkerCounter = keyof typeof WORKER_COUNTERS;

/** As ProducerCounters has them. */
export const PRODUCER_COUNTERS = {
  offered: counter('records that were offered to the producer'),
  recovered: counter('records that an earlier process had left in the spool'),
  delivered: counter('records that the peer has'),
  failed: loss('records that the peer refused, or that were given up'),
  dropped: loss("records for which the producer's queue had no room"),
  retried: counter('records of repeated attempts'),
  bytes: counter('payload octets delivered'),
  queuedRecords: gauge('records that wait for the peer, in memory and in the spool'),
  queuedBytes: gauge('octets of them in memory'),
  spooledBytes: gauge('octets of them on disk'),
} as const satisfies Record<string, Description>;

/** As EnrichCounters has them. */
export const ENRICH_COUNTERS = {
  exporters: gauge('exporters of which names are known or were asked'),
  interfaces: gauge('interfaces whose names are known'),
  namesRefused: counter('names that were not kept: there are too many'),
  snmpRequests: counter('questions to exporters by SNMP'),
  snmpFailures: counter('questions that brought no answer'),
  filesReloaded: counter('files of names and networks that were read anew'),
  fileFailures: counter('files that could not be read anew: the earlier content goes on'),
} as const satisfies Record<keyof EnrichCounters, Description>;

/** How far a worker is with one ring, in the terms of its reader; sums over rings. */
export const RING_COUNTERS = {
  taken: counter('datagrams taken out of rings'),
  bytes: counter('octets of their payload'),
  abandoned: loss('datagrams of a batch that a worker had in hand when it was killed'),
  lost: loss('datagrams of this worker that were overwritten before it came to them'),
  truncated: counter('datagrams that were longer than the packet buffer'),
  lag: gauge('records of rings that are still to be looked at'),
} as const satisfies Record<string, Description>;

/** What became of records when processes died. */
export const DEATH_COUNTERS = {
  deaths: counter('workers that died, or were killed because they hung'),
  recordsUnfinished: loss(
    'records without a known end when their worker died: in its batch, or in its producer but not in a spool',
  ),
} as const satisfies Record<string, Description>;

export type CounterGroup<K extends string> = Readonly<Record<K, number>>;

/** Where the words of a worker lie in its row of shared memory. */
export const ROW = layOut();

function layOut() {
  // Of the supervisor's watch; see WorkerRow.
  const heartbeat = 0;
  const worker = 8;
  const producer = worker + 32;
  const enrich = producer + 32;
  const decode = enrich + 32;
  // Room for counters to come, so that a row stays where it is.
  const words = 512;
  if (decode + DECODE_COUNTERS.length > words) throw new Error('a row of counters is too small');
  return { heartbeat, worker, producer, enrich, decode, words };
}
