import type { Logger } from 'pino';
import type { FlowBatch } from '../model/flow-batch.ts';
import type { NameListener } from '../model/name-listener.ts';

/**
 * What a pipeline knows beyond the datagrams: names of exporters and interfaces, AS and country of addresses, counts
 * corrected for sampling. Works on batches between decoder and format.
 */
export interface Enricher {
  /**
   * Reads the files of the options, and begins to watch them.
   *
   * @throws FloxyError INVALID_INPUT when one cannot be read or has something else in it, with file and place
   */
  start(): Promise<void>;
  /** Fills columns of all rows. Never waits: what is not known yet stays empty. */
  enrich(batch: FlowBatch): void;
  /** What decoders tell of names in options data. */
  readonly names: NameListener;
  readonly counters: Readonly<EnrichCounters>;
  /** Ends everything that was begun; idempotent. */
  stop(): void;
}

/** Cumulative, but for the gauges that say so. */
export interface EnrichCounters {
  /** Gauge: exporters of which anything is known or was asked. */
  exporters: number;
  /** Gauge: interfaces whose names are known. */
  interfaces: number;
  /** Names that were not kept: there are too many. */
  namesRefused: number;
  /** Questions to exporters by SNMP, and those that brought no answer. */
  snmpRequests: number;
  snmpFailures: number;
  /** Files that were read anew, and those that could not be: the earlier content goes on. */
  filesReloaded: number;
  fileFailures: number;
}

export interface EnricherContext {
  readonly log: Logger;
  /** Where relative paths of the options begin: the folder of the configuration. */
  readonly folder: string;
}
