import type { Database } from 'better-sqlite3';

/** `PRAGMA application_id` of a floxy database: "Flxy". Tells it from databases of other programs. */
export const APPLICATION_ID = 0x466c_7879;

/**
 * Each brings a database from the version of its index to the next; applied migrations never change.
 * SQLite keeps the comments: `sqlite3 FILE .schema` shows them.
 */
const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE meta (
    key TEXT NOT NULL PRIMARY KEY, -- revision: of the rules; restore_error: why earlier rules are missing
    value ANY
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE rules (
    position INTEGER PRIMARY KEY, -- order of the rules
    exporter_host TEXT NOT NULL,
    exporter_port INTEGER NOT NULL, -- 0 = any
    outputs TEXT NOT NULL, -- JSON: a list of outputs, each a list of collectors ["host", port]; port 0 = none
    UNIQUE (exporter_host, exporter_port)
  ) STRICT;

  CREATE TABLE default_outputs (
    position INTEGER PRIMARY KEY, -- order of the outputs
    collectors TEXT NOT NULL -- JSON: a list of collectors ["host", port]; port 0 = none
  ) STRICT;

  INSERT INTO meta (key, value) VALUES ('revision', 0);
  `,
];

/** The schema version that this program reads and writes. */
export const SCHEMA_VERSION = MIGRATIONS.length;

/** Brings a database to SCHEMA_VERSION in one transaction. A database that is there already is not written. */
export function migrate(database: Database): void {
  const version = schemaVersion(database);
  if (version >= SCHEMA_VERSION) return;
  database
    .transaction(() => {
      for (const sql of MIGRATIONS.slice(version)) database.exec(sql);
      database.pragma(`application_id = ${APPLICATION_ID}`);
      database.pragma(`user_version = ${SCHEMA_VERSION}`);
    })
    .immediate();
}

export function schemaVersion(database: Database): number {
  return Number(database.pragma('user_version', { simple: true }));
}
