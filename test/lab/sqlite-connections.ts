import type { TestContext } from 'node:test';
import SqliteDatabase, { type Database } from 'better-sqlite3';

/** Collects every connection to a database that sets a pragma during a test: the last one is that of the store. */
export function connectionsOf(t: TestContext): readonly Database[] {
  const connections: Database[] = [];
  const { pragma } = SqliteDatabase.prototype;
  t.mock.method(
    SqliteDatabase.prototype,
    'pragma',
    function (this: Database, ...args: Parameters<Database['pragma']>) {
      if (!connections.includes(this)) connections.push(this);
      return Reflect.apply(pragma, this, args);
    },
  );
  return connections;
}
