import type { PendingSet } from './pending-book.ts';
import type { RateLimit } from './rate-limit.ts';
import type { SamplingRates } from './sampling-rates.ts';
import type { SequenceWatch } from './sequence-watch.ts';
import type { AddressWords, Exporter, Session } from './session.ts';
import type { Template } from './template.ts';

/** An exporter's address, with what holds for all its sessions. */
export class NetflowExporter implements Exporter {
  readonly address: AddressWords;
  readonly domains = new Map<string, ObservationDomain>();
  readonly newTemplates: RateLimit;
  rates: SamplingRates | undefined;
  /** Grows when a rate of any of its sessions has changed. */
  ratesEpoch = 0;
  /** Names of interfaces that options have told. */
  interfaces: Map<number, string> | undefined;

  constructor(address: AddressWords, newTemplates: RateLimit) {
    this.address = address;
    this.newTemplates = newTemplates;
  }
}

/** What the sessions of one address, version and domain share, whatever their ports. */
export class ObservationDomain {
  readonly exporter: NetflowExporter;
  readonly version: 5 | 9 | 10;
  readonly id: number;
  /** How many sessions there are in it. */
  sessions = 0;
  /** The template that was learnt last under each id, and by whom. */
  readonly newest = new Map<number, { template: Template; session: NetflowSession }>();
  rates: SamplingRates | undefined;
  /** Data sets that wait for their template, oldest first, and what they cost. */
  pending: { sets: PendingSet[]; bytes: number } | undefined;

  constructor(exporter: NetflowExporter, version: 5 | 9 | 10, id: number) {
    this.exporter = exporter;
    this.version = version;
    this.id = id;
  }
}

/** A session as the walker keeps it. */
export class NetflowSession implements Session {
  readonly key: string;
  readonly observationDomain: ObservationDomain;
  readonly exporter: NetflowExporter;
  readonly version: 5 | 9 | 10;
  readonly domain: number;
  readonly port: number;
  readonly templates = new Map<number, Template>();
  /** Template ids that the store does not have, and when it is asked again: ms of receive time. */
  notStored: Map<number, number> | undefined;
  readonly firstMs: number;
  readonly sequence: SequenceWatch;
  lastMs: number;
  /** Its place among those that are found quickly. */
  slot = 0;
  datagrams = 0;
  /** It has sent for a while: strangers cannot push it out. */
  established = false;
  /** When it was last told what is to be kept of it. */
  announcedMs = 0;
  /** False: it is in no table (there was no room), and nothing may be kept in it. */
  readonly kept: boolean;
  systemInitMs = 0;
  rates: SamplingRates | undefined;
  #lastSampler = -1;
  #lastEpoch = -1;
  #lastRate = 0;

  constructor(
    key: string,
    domain: ObservationDomain,
    port: number,
    { kept, nowMs, sequence }: { kept: boolean; nowMs: number; sequence: SequenceWatch },
  ) {
    this.key = key;
    this.observationDomain = domain;
    this.exporter = domain.exporter;
    this.version = domain.version;
    this.domain = domain.id;
    this.port = port;
    this.kept = kept;
    this.firstMs = nowMs;
    this.lastMs = nowMs;
    this.sequence = sequence;
  }

  samplingRate(samplerId: number): number {
    const { ratesEpoch } = this.exporter;
    if (samplerId === this.#lastSampler && ratesEpoch === this.#lastEpoch) return this.#lastRate;
    this.#lastSampler = samplerId;
    this.#lastEpoch = ratesEpoch;
    this.#lastRate =
      this.rates?.of(samplerId) ||
      this.observationDomain.rates?.of(samplerId) ||
      this.exporter.rates?.of(samplerId) ||
      0;
    return this.#lastRate;
  }
}
