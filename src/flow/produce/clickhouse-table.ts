import type { ClickhouseColumn } from '../model/encoded-batch.ts';

export interface TableOptions {
  readonly database: string;
  readonly table: string;
  readonly engine: string;
  readonly partition_by?: string | undefined;
  readonly order_by?: string | undefined;
  readonly ttl_days: number;
}

const TIME = 'time_received';
/** What a table is sorted by, as far as it has the columns. */
const ORDER = [
  { column: TIME, expression: `toStartOfFiveMinute(${TIME})` },
  { column: 'sampler_address', expression: 'sampler_address' },
  { column: 'in_if', expression: 'in_if' },
  { column: 'out_if', expression: 'out_if' },
];

/** The table for flow records, and what makes it. */
export class ClickhouseTable {
  /** As the format has them; undefined until there was something to send. */
  columns: readonly ClickhouseColumn[] | undefined;
  readonly #options: TableOptions;

  constructor(options: TableOptions) {
    this.#options = options;
  }

  /** Its name, as statements have it. */
  get name(): string {
    const { database, table } = this.#options;
    return `${quoteName(database)}.${quoteName(table)}`;
  }

  /** Finds its columns. */
  get lookUp(): string {
    const { database, table } = this.#options;
    return `SELECT name FROM system.columns WHERE database = ${quoteText(database)} AND table = ${quoteText(table)} FORMAT TabSeparatedRaw`;
  }

  get insertion(): string {
    return `INSERT INTO ${this.name} FORMAT Native`;
  }

  /** Makes the database and the table. */
  creation(columns: readonly ClickhouseColumn[]): string[] {
    return [
      `CREATE DATABASE IF NOT EXISTS ${quoteName(this.#options.database)}`,
      tableStatement(this.name, this.#options, columns),
    ];
  }

  /** Adds columns. */
  alteration(columns: readonly ClickhouseColumn[]): string {
    return `ALTER TABLE ${this.name} ${columns.map((column) => `ADD COLUMN ${definition(column)}`).join(', ')}`;
  }
}

/** The statement that makes a table. @param name as statements have it */
export function tableStatement(
  name: string,
  { engine, partition_by, order_by, ttl_days }: Omit<TableOptions, 'database' | 'table'>,
  columns: readonly ClickhouseColumn[],
): string {
  const has = (name: string) => columns.some((column) => column.name === name);
  const order = ORDER.filter(({ column }) => has(column)).map(({ expression }) => expression);
  const partition = partition_by ?? (has(TIME) ? `toDate(${TIME})` : undefined);
  return [
    `CREATE TABLE IF NOT EXISTS ${name}\n(\n${columns.map((column) => `  ${definition(column)}`).join(',\n')}\n)`,
    `ENGINE = ${engine}`,
    ...(partition === undefined ? [] : [`PARTITION BY ${partition}`]),
    `ORDER BY ${order_by ?? `tuple(${order.join(', ')})`}`,
    ...(ttl_days > 0 ? [`TTL toDateTime(${TIME}) + INTERVAL ${ttl_days} DAY`] : []),
  ].join('\n');
}

function definition({ name, type, comment }: ClickhouseColumn): string {
  return `${quoteName(name)} ${type} COMMENT ${quoteText(comment)}`;
}

function quoteName(name: string): string {
  return /^[A-Za-z_]\w*$/.test(name) ? name : `\`${escaped(name, '`')}\``;
}

function quoteText(text: string): string {
  return `'${escaped(text, "'")}'`;
}

function escaped(text: string, quote: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll(quote, `\\${quote}`);
}
