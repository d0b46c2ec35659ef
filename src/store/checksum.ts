/**
 * One number over all that a database holds, kept up with each change: SQLite notices damage of its structure, not a
 * flipped bit in a value.
 */
import { crc32 } from 'node:zlib';
import type { Database } from 'better-sqlite3';

/** Key of the checksum in the table `meta`: the only row that is not part of it. */
export const CHECKSUM_KEY = 'checksum';

/**
 * What one row adds to the checksum, which is the sum over all rows: damage within 32 bits of a row changes it for
 * certain, other damage all but once in 4 billion.
 *
 * @param columns all of the row, in the order of the table
 */
export function rowSum(table: string, ...columns: readonly unknown[]): number {
  return crc32(`${table}\0${columns.join('\0')}`);
}

/** The sum over the rows of a small table. */
export function tableSum(database: Database, table: 'meta' | 'default_outputs'): number {
  return database
    .prepare<[], unknown[]>(`SELECT * FROM ${table}`)
    .raw()
    .all()
    .filter((row) => table !== 'meta' || row[0] !== CHECKSUM_KEY)
    .reduce<number>((sum, row) => sum + rowSum(table, ...row), 0);
}
