import type { Logger } from 'pino';
import type { ClickhouseColumn, EncodedBatch } from '../model/encoded-batch.ts';
import type { ClickhouseOptions } from './clickhouse.ts';
import { ClickhouseError } from './clickhouse-errors.ts';
import type { ClickhouseHttp } from './clickhouse-http.ts';
import type { ClickhouseTable } from './clickhouse-table.ts';
import type { Link, Outcome } from './link.ts';

export interface ClickhouseLinkParts {
  readonly options: Pick<ClickhouseOptions, 'create'>;
  readonly http: ClickhouseHttp;
  readonly table: ClickhouseTable;
  readonly log: Logger;
}

/** A server of ClickHouse, and the table in it. */
export class ClickhouseLink implements Link {
  readonly #parts: ClickhouseLinkParts;
  /** The columns that the table was last seen to have all of. */
  #checked: ClickhouseTable['columns'];

  constructor(parts: ClickhouseLinkParts) {
    this.#parts = parts;
  }

  async connect(signal: AbortSignal): Promise<void> {
    const { http, table } = this.#parts;
    await http.open();
    this.#checked = undefined;
    await http.query('SELECT 1', signal);
    if (table.columns !== undefined) await this.#checkTable(table.columns, signal);
  }

  async send(batch: EncodedBatch, signal: AbortSignal): Promise<Outcome | undefined> {
    const { http, table } = this.#parts;
    if (table.columns !== undefined && table.columns !== this.#checked) {
      await this.#checkTable(table.columns, signal);
    }
    try {
      await http.insert(table.insertion, batch.bytes, signal);
      return undefined;
    } catch (error) {
      if (!(error instanceof ClickhouseError) || !error.isRefusal) throw error;
      return { refused: [...batch.ends.keys()], error };
    }
  }

  async close(): Promise<void> {
    // Requests have connections of their own, which end with their signals.
  }

  /** Makes sure that there is the table, and that it has the columns, as far as that may be changed. */
  async #checkTable(columns: readonly ClickhouseColumn[], signal: AbortSignal): Promise<void> {
    const { options, http, table, log } = this.#parts;
    const run = (statement: string) => http.query(statement, signal);
    const found = (await run(table.lookUp)).split('\n').filter((name) => name !== '');
    const lacking = columns.filter(({ name }) => !found.includes(name));
    if (found.length === 0) {
      if (!options.create) throw noTable(table.name);
      for (const statement of table.creation(columns)) await run(statement);
      log.info(`clickhouse: made the table ${table.name}`);
    } else if (lacking.length > 0 && options.create) {
      await run(table.alteration(lacking));
      log.info(`clickhouse: added to ${table.name}: ${namesOf(lacking)}`);
    } else if (lacking.length > 0) {
      log.warn(
        `clickhouse: the table ${table.name} has no ${namesOf(lacking)}, which is not kept: set \`create: true\`, or ` +
          `leave it out of the format's \`fields\`, or run: ${table.alteration(lacking)}`,
      );
    }
    this.#checked = columns;
  }
}

function noTable(name: string): Error {
  return new Error(
    `there is no table ${name}, or the user may not see it: make it (deploy/clickhouse/flows.sql), or set \`create: true\``,
  );
}

function namesOf(columns: readonly ClickhouseColumn[]): string {
  return columns.map(({ name }) => name).join(', ');
}
