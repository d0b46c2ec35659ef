import type { Logger } from 'pino';
import { messageOf } from '../../base/errors.ts';
import { RateLimit } from '../decode/rate-limit.ts';
import type { AddressWords, Session } from '../decode/session.ts';
import type { KeptOptions, KeptTemplate, StateKeeper } from '../decode/state-keeper.ts';
import type { Template } from '../decode/template.ts';
import { octetsOf, wordsOf } from '../model/address-octets.ts';
import type { KeptDatabase } from './database.ts';
import type { KeptChange, PageStart, SharedChange, TemplatePage } from './kept-change.ts';
import { identityOf, isDamage, openKept } from './open.ts';
import { readPage } from './read-page.ts';

export interface TemplateStoreOptions {
  readonly path: string;
  readonly log: Logger;
  /** What was not heard of for so long is forgotten: days. */
  readonly expireDays?: number;
  /** The clock: milliseconds of the Unix epoch. */
  readonly now?: () => number;
}

/** Cumulative. */
export interface TemplateStoreCounters {
  /** What was written, and what was not because too much waited. */
  written: number;
  dropped: number;
  /** Transactions that failed; what they had is tried again. */
  failures: number;
}

const DAY_MS = 86_400_000;
const WRITE_EVERY_MS = 1000;
const TIDY_EVERY_MS = 600_000;
/** What may wait for the disk. */
const MAX_WAITING = 50_000;
/** Rows of a transaction: a batch takes some milliseconds. */
const BATCH = 2000;
/** What is kept of strangers: rows, and new ones a second. */
const STRANGERS_ROWS = 20_000;
const STRANGERS_PER_SECOND = 100;
const STRANGERS_BURST = 5000;
/** Templates that are looked up a second. */
const FINDS_PER_SECOND = 2000;
const FINDS_BURST = 10_000;

/**
 * Keeps templates, sampling rates and names of interfaces in a file that the workers of a service share. What is learnt
 * is written once a second; look-ups ask the disk only for exporters of which something is kept.
 */
export class TemplateStore implements StateKeeper {
  readonly counters: TemplateStoreCounters = { written: 0, dropped: 0, failures: 0 };
  readonly #path: string;
  readonly #log: Logger;
  readonly #expireMs: number;
  readonly #now: () => number;
  #database: KeptDatabase;
  #identity: string | undefined;
  #waiting = new Map<string, SharedChange>();
  readonly #known = new Set<string>();
  #knownChange = -1;
  readonly #strangers = new RateLimit(STRANGERS_PER_SECOND, STRANGERS_BURST);
  readonly #finds = new RateLimit(FINDS_PER_SECOND, FINDS_BURST);
  #lastTidyMs: number;
  #timer: NodeJS.Timeout | undefined;
  #isFailing = false;

  /** @throws Error that says why the file can be neither opened nor made; one that is damaged is set aside */
  constructor({ path, log, expireDays = 7, now = Date.now }: TemplateStoreOptions) {
    this.#path = path;
    this.#log = log;
    this.#expireMs = expireDays * DAY_MS;
    this.#now = now;
    this.#lastTidyMs = now();
    this.#database = openKept(path, log);
    this.#identity = identityOf(path);
    this.#lookForAddresses();
  }

  /** Begins to write once a second. */
  start(): void {
    this.#timer ??= setInterval(() => this.flush(), WRITE_EVERY_MS).unref();
  }

  /** Writes what waits, and closes. */
  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    while (this.#waiting.size > 0 && this.flush());
    this.#database.close();
  }

  templateLearnt(session: Session, template: Template): void {
    this.#put(session, template, template.raw);
  }

  templateWithdrawn(session: Session, template: Template): void {
    this.#put(session, template, new Uint8Array(0));
  }

  rateLearnt(session: Session, samplerId: number, rate: number): void {
    this.#putOption(session, 'rate', samplerId, String(rate));
  }

  interfaceLearnt(session: Session, index: number, name: string): void {
    this.#putOption(session, 'interface', index, name);
  }

  findTemplate(
    { exporter, port, version, domain }: Session,
    templateId: number,
  ): KeptTemplate | undefined {
    if (!this.#isKnown(exporter.address)) return undefined;
    const address = octetsOf(exporter.address);
    const found = this.#try((database) =>
      database.findTemplate({ address, port, version, domain, templateId }, this.#sinceMs()),
    );
    return found === undefined || found.record.length === 0
      ? undefined
      : { kind: found.kind, raw: found.record };
  }

  findOptions(address: AddressWords): KeptOptions | undefined {
    if (!this.#isKnown(address)) return undefined;
    const found = this.#try((database) => database.findOptions(octetsOf(address), this.#sinceMs()));
    const rates = found?.filter(({ what }) => what === 'rate') ?? [];
    const interfaces = found?.filter(({ what }) => what === 'interface') ?? [];
    return {
      rates: rates.map(({ key, value }) => ({ samplerId: key, rate: Number(value) })),
      interfaces: interfaces.map(({ key, value }) => ({ index: key, name: value })),
    };
  }

  /** The number of the last change: where changesSince() goes on another time. */
  get lastChange(): number {
    return this.#try((database) => database.lastChange) ?? 0;
  }

  /** What has changed behind a change, for other nodes: at most `limit` changes, in their order; from 0 everything. */
  changesSince(change: number, limit = 1000): KeptChange[] {
    return this.#try((database) => database.changesSince(change, limit)) ?? [];
  }

  /** Tells the database from others; undefined when it cannot be read. */
  get epoch(): string | undefined {
    return this.#try((database) => database.epoch);
  }

  /** Some of what has changed, for other nodes; undefined when the database cannot be read. */
  page(start: PageStart): TemplatePage | undefined {
    return this.#try((database) => database.atOneMoment(() => readPage(database, start)));
  }

  /**
   * Takes over what another node tells. Of two that know something of one thing the later holds; what comes from the
   * future, by a clock that is wrong, is of now.
   *
   * @returns false when it could not be written
   */
  apply(changes: readonly SharedChange[]): boolean {
    const nowMs = this.#now();
    const isWritten = this.#try((database) => {
      const past = changes.map((change) => ({ ...change, seenMs: Math.min(change.seenMs, nowMs) }));
      database.write(past, false);
      return true;
    });
    this.#lookForAddresses();
    return isWritten === true;
  }

  /**
   * Writes a batch of what waits, sees what others have written, and tidies now and then.
   *
   * @returns false when it could not be written: it is tried again
   */
  flush(): boolean {
    // Another process may have found it damaged, or someone may have removed it.
    if (identityOf(this.#path) !== this.#identity) this.#replace();
    const batch = [...this.#waiting.entries()].slice(0, BATCH);
    if (batch.length > 0) {
      const isWritten = this.#try((database) => {
        database.write(
          batch.map(([, write]) => write),
          true,
        );
        return true;
      });
      if (!isWritten) return false;
      // What came anew in the meantime would be another object.
      for (const [key, write] of batch)
        if (this.#waiting.get(key) === write) this.#waiting.delete(key);
      this.counters.written += batch.length;
    }
    this.#lookForAddresses();
    this.#tidy();
    return true;
  }

  #put(session: Session, template: Template, record: Uint8Array): void {
    const { version } = template;
    if (version === 5) return;
    const { port, domain } = session;
    this.#wait(session, `${port} ${version} ${domain} ${template.id}`, {
      ...{ what: 'template', port, version, domain, templateId: template.id },
      ...{ kind: template.kind, record },
    });
  }

  #putOption(session: Session, what: 'rate' | 'interface', key: number, value: string): void {
    this.#wait(session, `${what} ${key}`, { what, key, value });
  }

  #wait(session: Session, key: string, write: Unaddressed): void {
    const { exporter, established } = session;
    const place = `${exporter.address.join()} ${key}`;
    const nowMs = this.#now();
    const isNew = !this.#waiting.has(place);
    if (
      isNew &&
      (this.#waiting.size >= MAX_WAITING || !(established || this.#strangers.take(nowMs)))
    ) {
      this.counters.dropped++;
      return;
    }
    this.#waiting.set(place, {
      ...write,
      address: octetsOf(exporter.address),
      seenMs: nowMs,
      trusted: established,
    });
  }

  #sinceMs(): number {
    return this.#now() - this.#expireMs;
  }

  #isKnown(address: AddressWords): boolean {
    return this.#known.has(address.join()) && this.#finds.take(this.#now());
  }

  /** Sees of which exporters something is kept that this process, another one or another node has written. */
  #lookForAddresses(): void {
    this.#try((database) => {
      const { lastChange } = database;
      if (lastChange === this.#knownChange) return;
      for (const address of database.addressesSince(this.#knownChange))
        this.#known.add(wordsOf(address).join());
      this.#knownChange = lastChange;
    });
  }

  #tidy(): void {
    const nowMs = this.#now();
    if (nowMs - this.#lastTidyMs < TIDY_EVERY_MS) return;
    this.#lastTidyMs = nowMs;
    const removed = this.#try((database) => database.tidy(this.#sinceMs(), STRANGERS_ROWS));
    if (!removed) return;
    this.#known.clear();
    this.#knownChange = -1;
    this.#lookForAddresses();
  }

  /** Does something with the database. Never throws: flow goes on without it. */
  #try<T>(action: (database: KeptDatabase) => T): T | undefined {
    try {
      const result = action(this.#database);
      if (this.#isFailing)
        this.#log.info({ path: this.#path }, 'the database of templates works again');
      this.#isFailing = false;
      return result;
    } catch (error) {
      this.counters.failures++;
      if (!this.#isFailing) {
        const fields = { path: this.#path, error: messageOf(error) };
        this.#log.warn(
          fields,
          'the database of templates cannot be used: templates that are learnt now are lost at a restart unless it works again',
        );
      }
      this.#isFailing = true;
      if (isDamage(error)) this.#replace();
      return undefined;
    }
  }

  #replace(): void {
    try {
      this.#database.close();
      this.#database = openKept(this.#path, this.#log);
      this.#identity = identityOf(this.#path);
      this.#knownChange = -1;
      this.#known.clear();
    } catch (error) {
      this.#log.error(
        { path: this.#path, error: messageOf(error) },
        'no new database of templates can be made in place of one that is damaged or gone',
      );
    }
  }
}

type Unaddressed = DistributiveOmit<SharedChange, 'address' | 'seenMs' | 'trusted'>;
type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
