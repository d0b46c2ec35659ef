import { randomBytes } from 'node:crypto';
import { COMMON_WORD } from './counters.ts';
import type { DecodeLimits } from './limits.ts';
import { NetflowExporter, NetflowSession, ObservationDomain } from './netflow-session.ts';
import { RateLimit } from './rate-limit.ts';
import { SequenceWatch } from './sequence-watch.ts';
import type { AddressWords } from './session.ts';

/** Sessions that are found without building a key: a power of two. */
const RECENT = 8192;
/** A newcomer that has sent so many datagrams over so long a time is established. */
const ESTABLISHED_DATAGRAMS = 3;
const ESTABLISHED_MS = 1000;
/** Established sessions that are looked at for one that has been silent. */
const LOOKED_AT = 16;

/** Whose session a datagram is of. */
export interface Origin {
  /** Addresses, four words each, and the first word of this one. */
  readonly sources: Uint32Array;
  readonly at: number;
  readonly port: number;
  readonly version: 5 | 9 | 10;
  readonly domain: number;
  readonly receivedMs: number;
}

/** What is told when an exporter comes, and when a session goes. */
export interface SessionTableEvents {
  made(exporter: NetflowExporter): void;
  established(session: NetflowSession): void;
  dropped(session: NetflowSession): void;
  /** After its last session. */
  gone(exporter: NetflowExporter): void;
}

/**
 * All sessions, bounded. Strangers with invented addresses can push out only each other: sessions that have sent for a
 * while are in a table of their own, which only those leave that have been silent.
 */
export class SessionTable {
  readonly #limits: DecodeLimits;
  readonly #counters: Float64Array;
  readonly #events: SessionTableEvents;
  readonly #newSessions: RateLimit;
  readonly #recent: (NetflowSession | undefined)[] = new Array(RECENT);
  readonly #seed = randomBytes(4).readInt32LE();
  readonly #newcomers = new Map<string, NetflowSession>();
  readonly #established = new Map<string, NetflowSession>();
  readonly #exporters = new Map<string, NetflowExporter>();

  constructor(limits: DecodeLimits, counters: Float64Array, events: SessionTableEvents) {
    this.#limits = limits;
    this.#counters = counters;
    this.#events = events;
    this.#newSessions = new RateLimit(limits.newSessionsPerSecond, limits.newSessionsBurst);
  }

  /** The exporter with an address, when it has a session. */
  exporter(address: AddressWords): NetflowExporter | undefined {
    return this.#exporters.get(address.join());
  }

  exporters(): MapIterator<NetflowExporter> {
    return this.#exporters.values();
  }

  /** The session of a datagram; made when it is new. When there is no room for it, it is one that is not kept. */
  find(origin: Origin): NetflowSession {
    const slot = this.#slot(origin);
    const recent = this.#recent[slot];
    let session = recent;
    if (session === undefined || !isOf(session, origin)) {
      session = this.#findByKey(origin);
      session.slot = slot;
      if (session.kept) this.#recent[slot] = session;
    }
    session.datagrams++;
    session.lastMs = origin.receivedMs;
    if (!session.established && session.kept) this.#establish(session, origin.receivedMs);
    return session;
  }

  /** Forgets the newcomer that came first. @returns false when there is none */
  dropOldestNewcomer(except: NetflowSession): boolean {
    for (const session of this.#newcomers.values()) {
      if (session === except) continue;
      this.#drop(session);
      return true;
    }
    return false;
  }

  /** Ends all of them, so that everything is counted. */
  clear(): void {
    for (const session of [...this.#newcomers.values(), ...this.#established.values()]) {
      this.#drop(session);
    }
  }

  #slot({ sources, at, port, version, domain }: Origin): number {
    let hash = this.#seed ^ domain;
    for (let i = 0; i < 4; i++)
      hash = Math.imul(hash ^ (sources[at + i] as number), 0x9e3779b1) ^ (hash >>> 15);
    hash = Math.imul(hash ^ port ^ (version << 16), 0x85ebca6b);
    return (hash ^ (hash >>> 13)) & (RECENT - 1);
  }

  #findByKey({ sources, at, port, version, domain, receivedMs }: Origin): NetflowSession {
    const address: AddressWords = [
      sources[at] as number,
      sources[at + 1] as number,
      sources[at + 2] as number,
      sources[at + 3] as number,
    ];
    const addressKey = address.join();
    const key = `${addressKey} ${port} ${version} ${domain}`;
    const known = this.#established.get(key) ?? this.#newcomers.get(key);
    if (known !== undefined) return known;
    const kept = this.#newSessions.take(receivedMs);
    if (!kept) this.#count('sessionsRefused', 1);
    const observationDomain = this.#domain(address, addressKey, version, domain, kept);
    const session = new NetflowSession(key, observationDomain, port, {
      kept,
      nowMs: receivedMs,
      sequence: new SequenceWatch(version),
    });
    if (kept) this.#keep(session);
    return session;
  }

  #domain(
    address: AddressWords,
    addressKey: string,
    version: 5 | 9 | 10,
    id: number,
    kept: boolean,
  ): ObservationDomain {
    const known = this.#exporters.get(addressKey);
    const exporter = known ?? this.#makeExporter(address);
    if (known === undefined && kept) {
      this.#exporters.set(addressKey, exporter);
      this.#events.made(exporter);
    }
    const domainKey = `${version} ${id}`;
    const domain = exporter.domains.get(domainKey) ?? new ObservationDomain(exporter, version, id);
    if (kept) exporter.domains.set(domainKey, domain);
    return domain;
  }

  #makeExporter(address: AddressWords): NetflowExporter {
    const { newTemplatesPerSecond, newTemplatesBurst } = this.#limits;
    return new NetflowExporter(address, new RateLimit(newTemplatesPerSecond, newTemplatesBurst));
  }

  #keep(session: NetflowSession): void {
    session.observationDomain.sessions++;
    this.#newcomers.set(session.key, session);
    this.#count('sessionsMade', 1);
    if (this.#newcomers.size > this.#limits.newcomers) this.dropOldestNewcomer(session);
    this.#gauges();
  }

  #establish(session: NetflowSession, nowMs: number): void {
    if (session.datagrams < ESTABLISHED_DATAGRAMS || nowMs - session.firstMs < ESTABLISHED_MS)
      return;
    if (this.#established.size >= this.#limits.sessions && !this.#dropSilent(nowMs)) return;
    this.#newcomers.delete(session.key);
    this.#established.set(session.key, session);
    this.#events.established(session);
    session.established = true;
  }

  #dropSilent(nowMs: number): boolean {
    let looks = LOOKED_AT;
    for (const session of this.#established.values()) {
      if (nowMs - session.lastMs > this.#limits.idleMs) {
        this.#drop(session);
        return true;
      }
      this.#established.delete(session.key);
      this.#established.set(session.key, session);
      if (--looks === 0) break;
    }
    return false;
  }

  #drop(session: NetflowSession): void {
    const { observationDomain, key } = session;
    const { exporter } = observationDomain;
    this.#newcomers.delete(key);
    this.#established.delete(key);
    if (this.#recent[session.slot] === session) this.#recent[session.slot] = undefined;
    this.#events.dropped(session);
    observationDomain.sessions--;
    if (observationDomain.sessions === 0)
      exporter.domains.delete(`${observationDomain.version} ${observationDomain.id}`);
    if (exporter.domains.size === 0) {
      this.#exporters.delete(exporter.address.join());
      this.#events.gone(exporter);
    }
    this.#count('sessionsDropped', 1);
    this.#gauges();
  }

  #gauges(): void {
    this.#counters[COMMON_WORD.sessions] = this.#newcomers.size + this.#established.size;
    this.#counters[COMMON_WORD.exporters] = this.#exporters.size;
  }

  #count(key: 'sessionsMade' | 'sessionsRefused' | 'sessionsDropped', amount: number): void {
    this.#counters[COMMON_WORD[key]] = (this.#counters[COMMON_WORD[key]] as number) + amount;
  }
}

function isOf(session: NetflowSession, { sources, at, port, version, domain }: Origin): boolean {
  const { address } = session.exporter;
  return (
    session.port === port &&
    session.version === version &&
    session.domain === domain &&
    address[3] === sources[at + 3] &&
    address[2] === sources[at + 2] &&
    address[1] === sources[at + 1] &&
    address[0] === sources[at]
  );
}
