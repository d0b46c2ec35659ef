import SqliteDatabase, { type Database, type Statement } from 'better-sqlite3';
import type { KeptChange, OptionChange, SharedChange, TemplateChange } from './kept-change.ts';

/** Raised when what is below changes. */
const SCHEMA_VERSION = 2;
/** How long other processes are waited for when the database is opened, and when something is written. */
const OPEN_TIMEOUT_MS = 5000;
const WRITE_TIMEOUT_MS = 100;
/** Rows that one pass of tidying removes at most, so that it is short. */
const TIDY_ROWS = 5000;
/** What is in use is a change after so long, so that nobody who is told of changes forgets it: milliseconds. */
const TELL_AGAIN_MS = 43_200_000;

const SCHEMA = `
CREATE TABLE IF NOT EXISTS state (id INTEGER PRIMARY KEY CHECK (id = 1), last_change INTEGER NOT NULL);
INSERT OR IGNORE INTO state VALUES (1, 0);
CREATE TABLE IF NOT EXISTS identity (id INTEGER PRIMARY KEY CHECK (id = 1), epoch TEXT NOT NULL);
INSERT OR IGNORE INTO identity VALUES (1, lower(hex(randomblob(8))));
CREATE TABLE IF NOT EXISTS templates (
  address BLOB NOT NULL, version INTEGER NOT NULL, domain INTEGER NOT NULL, template_id INTEGER NOT NULL,
  port INTEGER NOT NULL, kind TEXT NOT NULL, record BLOB NOT NULL,
  trusted INTEGER NOT NULL, seen_ms INTEGER NOT NULL, change INTEGER NOT NULL,
  PRIMARY KEY (address, version, domain, template_id, port)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS templates_by_change ON templates (change);
CREATE INDEX IF NOT EXISTS templates_by_age ON templates (trusted, seen_ms);
CREATE TABLE IF NOT EXISTS options (
  address BLOB NOT NULL, what TEXT NOT NULL, key INTEGER NOT NULL, value TEXT NOT NULL,
  trusted INTEGER NOT NULL, seen_ms INTEGER NOT NULL, change INTEGER NOT NULL,
  PRIMARY KEY (address, what, key)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS options_by_change ON options (change);
CREATE INDEX IF NOT EXISTS options_by_age ON options (trusted, seen_ms);
PRAGMA user_version = ${SCHEMA_VERSION};
`;

/**
 * A change counts as one only when it says something else than before, or that something is still in use. Of two that
 * were heard of at the same time by two nodes both keep the same one.
 */
const PUT_TEMPLATE = `
INSERT INTO templates (address, version, domain, template_id, port, kind, record, trusted, seen_ms, change)
VALUES (@address, @version, @domain, @templateId, @port, @kind, @record, @trusted, @seenMs, @change)
ON CONFLICT DO UPDATE SET
  change = iif(record = excluded.record AND kind = excluded.kind AND trusted >= excluded.trusted
    AND excluded.seen_ms - seen_ms < ${TELL_AGAIN_MS}, change, excluded.change),
  kind = excluded.kind, record = excluded.record,
  trusted = max(trusted, excluded.trusted), seen_ms = excluded.seen_ms
WHERE excluded.seen_ms > seen_ms OR (excluded.seen_ms = seen_ms AND (@own OR excluded.record >= record))`;

const PUT_OPTION = `
INSERT INTO options (address, what, key, value, trusted, seen_ms, change)
VALUES (@address, @what, @key, @value, @trusted, @seenMs, @change)
ON CONFLICT DO UPDATE SET
  change = iif(value = excluded.value AND trusted >= excluded.trusted
    AND excluded.seen_ms - seen_ms < ${TELL_AGAIN_MS}, change, excluded.change), value = excluded.value,
  trusted = max(trusted, excluded.trusted), seen_ms = excluded.seen_ms
WHERE excluded.seen_ms > seen_ms OR (excluded.seen_ms = seen_ms AND (@own OR excluded.value >= value))`;

const FIND_TEMPLATE = `
SELECT kind, record FROM templates
WHERE address = @address AND version = @version AND domain = @domain AND template_id = @templateId
  AND seen_ms >= @sinceMs
ORDER BY port = @port DESC, seen_ms DESC, change DESC LIMIT 1`;

type Row = Record<string, unknown>;

export interface TemplateKey {
  readonly address: Uint8Array;
  readonly port: number;
  readonly version: number;
  readonly domain: number;
  readonly templateId: number;
}

/** The database of what is kept of exporters. Several processes have it open; every call is one short transaction. */
export class KeptDatabase {
  readonly #database: Database;
  readonly #statements = new Map<string, Statement>();

  /** @throws SqliteError, Error when a newer version of this program has written it */
  constructor(path: string) {
    this.#database = new SqliteDatabase(path, { timeout: OPEN_TIMEOUT_MS });
    try {
      this.#database.pragma('journal_mode = WAL');
      this.#database.pragma('synchronous = NORMAL');
      const version = this.#database.pragma('user_version', { simple: true }) as number;
      if (version > SCHEMA_VERSION) {
        throw new Error(
          `${path} was written by a newer version of floxy (layout ${version}, this one knows ${SCHEMA_VERSION})`,
        );
      }
      if (version < SCHEMA_VERSION)
        this.#database.transaction(() => this.#database.exec(SCHEMA)).immediate();
      this.#database.pragma(`busy_timeout = ${WRITE_TIMEOUT_MS}`);
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  /**
   * Writes all or nothing. Older news of a thing do not replace newer ones.
   *
   * @param own this node has heard of it: of what has the same time the last one written holds
   */
  write(writes: Iterable<SharedChange>, own: boolean): void {
    const put = () => {
      let change = this.lastChange;
      for (const write of writes) {
        change++;
        const values = { ...write, trusted: write.trusted ? 1 : 0, own: own ? 1 : 0, change };
        this.#statement(write.what === 'template' ? PUT_TEMPLATE : PUT_OPTION).run(values);
      }
      this.#statement('UPDATE state SET last_change = ?').run(change);
    };
    this.#database.transaction(put).immediate();
  }

  /** The template of a session, else the newest from another port; an empty record says that it was withdrawn. */
  findTemplate(
    key: TemplateKey,
    sinceMs: number,
  ): { kind: 'data' | 'options'; record: Uint8Array } | undefined {
    const row = this.#statement(FIND_TEMPLATE).get({ ...key, sinceMs }) as Row | undefined;
    return (
      row && {
        kind: row['kind'] === 'options' ? 'options' : 'data',
        record: octetsOf(row['record']),
      }
    );
  }

  findOptions(
    address: Uint8Array,
    sinceMs: number,
  ): { what: OptionChange['what']; key: number; value: string }[] {
    const sql = 'SELECT what, key, value FROM options WHERE address = ? AND seen_ms >= ?';
    return this.#statement(sql).all(address, sinceMs) as {
      what: OptionChange['what'];
      key: number;
      value: string;
    }[];
  }

  get lastChange(): number {
    return (this.#statement('SELECT last_change FROM state').get() as Row)['last_change'] as number;
  }

  /** Tells this database from others. */
  get epoch(): string {
    return (this.#statement('SELECT epoch FROM identity').get() as Row)['epoch'] as string;
  }

  /** What several calls see is of one moment. */
  atOneMoment<T>(read: () => T): T {
    return this.#database.transaction(read).deferred();
  }

  /** Changes behind one, in their order, of one moment. */
  changesSince(change: number, limit: number): KeptChange[] {
    return this.atOneMoment(() => this.#changesSince(change, limit));
  }

  #changesSince(change: number, limit: number): KeptChange[] {
    const since = (table: string) =>
      this.#statement(`SELECT * FROM ${table} WHERE change > ? ORDER BY change LIMIT ?`).all(
        change,
        limit,
      ) as Row[];
    const changes = [...since('templates').map(templateOf), ...since('options').map(optionOf)];
    return changes.sort((a, b) => a.change - b.change).slice(0, limit);
  }

  /** Addresses of which something is kept that has changed behind a change. */
  addressesSince(change: number): Uint8Array[] {
    const sql =
      'SELECT address FROM templates WHERE change > @change UNION SELECT address FROM options WHERE change > @change';
    return (this.#statement(sql).all({ change }) as Row[]).map((row) => octetsOf(row['address']));
  }

  /**
   * Removes what was not heard of since a time, and of strangers what is too much; a part of it when it is much.
   *
   * @returns rows removed
   */
  tidy(sinceMs: number, strangers: number): number {
    const tidy = () =>
      ['templates', 'options'].reduce(
        (sum, table) => sum + this.#tidyTable(table, sinceMs, strangers),
        0,
      );
    return this.#database.transaction(tidy).immediate();
  }

  close(): void {
    this.#database.close();
  }

  #tidyTable(table: string, sinceMs: number, strangers: number): number {
    const key =
      table === 'templates' ? 'address, version, domain, template_id, port' : 'address, what, key';
    const remove = (which: string) =>
      `DELETE FROM ${table} WHERE (${key}) IN (SELECT ${key} FROM ${table} WHERE ${which})`;
    const count = this.#statement(
      `SELECT count(*) AS rows FROM ${table} WHERE trusted = 0`,
    ).get() as { rows: number };
    const tooMany = Math.max(0, Math.min(TIDY_ROWS, count.rows - strangers));
    const old = this.#statement(remove(`seen_ms < ? LIMIT ${TIDY_ROWS}`)).run(sinceMs);
    const strange = this.#statement(remove('trusted = 0 ORDER BY seen_ms LIMIT ?')).run(tooMany);
    return old.changes + strange.changes;
  }

  #statement(sql: string): Statement {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }
}

function templateOf(row: Row): TemplateChange {
  return {
    what: 'template',
    change: row['change'] as number,
    address: octetsOf(row['address']),
    seenMs: row['seen_ms'] as number,
    trusted: row['trusted'] === 1,
    port: row['port'] as number,
    version: row['version'] === 10 ? 10 : 9,
    domain: row['domain'] as number,
    templateId: row['template_id'] as number,
    kind: row['kind'] === 'options' ? 'options' : 'data',
    record: octetsOf(row['record']),
  };
}

function optionOf(row: Row): OptionChange {
  return {
    what: row['what'] === 'rate' ? 'rate' : 'interface',
    change: row['change'] as number,
    address: octetsOf(row['address']),
    seenMs: row['seen_ms'] as number,
    trusted: row['trusted'] === 1,
    key: row['key'] as number,
    value: row['value'] as string,
  };
}

/** A copy: what SQLite gives may be of a pool. */
function octetsOf(value: unknown): Uint8Array {
  return Uint8Array.from(value as Uint8Array);
}
