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
  `
  ALTER TABLE rules RENAME TO rules_1;
  ALTER TABLE default_outputs RENAME TO default_outputs_1;

  CREATE TABLE rules (
    position INTEGER PRIMARY KEY, -- order of the rules
    exporter TEXT NOT NULL UNIQUE, -- whose rule: 192.0.2.1, 192.0.2.1:2055, [2001:db8::1]:2055
    rule TEXT NOT NULL, -- JSON of a message Rule of floxy.proto, without its outputs
    outputs TEXT NOT NULL -- JSON of its outputs: a list of messages Output
  ) STRICT;

  CREATE TABLE default_outputs (
    position INTEGER PRIMARY KEY, -- order of the outputs
    output TEXT NOT NULL -- JSON of a message Output
  ) STRICT;

  INSERT INTO rules (position, exporter, rule, outputs)
  WITH texts AS MATERIALIZED (
    SELECT old, (
      SELECT json_group_array(json(${outputJson('output.value')}) ORDER BY output.key)
      FROM json_each(old) AS output
    ) AS new
    FROM (SELECT DISTINCT outputs AS old FROM rules_1)
  )
  SELECT
    position,
    CASE
      WHEN exporter_port = 0 THEN exporter_host
      WHEN instr(exporter_host, ':') THEN '[' || exporter_host || ']:' || exporter_port
      ELSE exporter_host || ':' || exporter_port
    END,
    json_object('exporter', json_object('endpoint', json(${endpointJson('exporter_host', 'exporter_port')}))),
    texts.new
  FROM rules_1 JOIN texts ON texts.old = rules_1.outputs;

  INSERT INTO default_outputs (position, output)
  SELECT position, ${outputJson('default_outputs_1.collectors')} FROM default_outputs_1;

  DROP TABLE rules_1;
  DROP TABLE default_outputs_1;
  DELETE FROM meta WHERE key = 'followed'; -- a follower that does not know asks its leader
  `,
  `
  INSERT INTO meta (key, value) VALUES ('checksum', 0); -- of all rows (store/checksum.ts): set when this is applied
  `,
];

/**
 * SQL for the message of an endpoint, as text: what CASE and SELECT give out is no JSON any more to SQLite, before
 * json() makes it one.
 *
 * @param port 0 = none
 */
function endpointJson(host: string, port: string): string {
  return `CASE ${port}
    WHEN 0 THEN json_object('host', ${host})
    ELSE json_object('host', ${host}, 'port', ${port})
  END`;
}

/** SQL for the message of an output. @param collectors JSON: a list of ["host", port] */
function outputJson(collectors: string): string {
  const endpoint = endpointJson('collector.value ->> 0', 'collector.value ->> 1');
  return `json_object('collectors', json((
    SELECT json_group_array(json_object('endpoint', json(${endpoint})) ORDER BY collector.key)
    FROM json_each(${collectors}) AS collector
  )))`;
}

/** What a database is brought to: versions of this program that know it can read what is in it. */
export const BASE_VERSION = MIGRATIONS.length;

/**
 * The newest version that this program reads and writes. The tables are those of BASE_VERSION, but rules in them can have
 * fields that came later. A database gets it with the first such rule, and not before: an earlier program reads what it
 * understands, and says of the rest that a newer one has written it.
 */
export const SCHEMA_VERSION = BASE_VERSION + 1;

/**
 * Brings a database to BASE_VERSION in one transaction. A database that is there already is not written.
 *
 * @param finish sets the checksum; throws when the database is not sound: then it stays what it was
 */
export function migrate(database: Database, finish: () => void): void {
  const version = schemaVersion(database);
  if (version >= BASE_VERSION) return;
  database
    .transaction(() => {
      for (const sql of MIGRATIONS.slice(version)) database.exec(sql);
      database.pragma(`application_id = ${APPLICATION_ID}`);
      database.pragma(`user_version = ${BASE_VERSION}`);
      finish();
    })
    .immediate();
}

/** Rules with later fields are in it from now on, within a transaction of the caller. */
export function raiseVersion(database: Database): void {
  database.pragma(`user_version = ${SCHEMA_VERSION}`);
}

export function schemaVersion(database: Database): number {
  return Number(database.pragma('user_version', { simple: true }));
}
