import { z } from 'zod';
import type { EncodedBatch } from '../model/encoded-batch.ts';
import type { ProducerContext, ProducerKind } from '../model/producer.ts';
import { ClickhouseHttp } from './clickhouse-http.ts';
import { ClickhouseLink } from './clickhouse-link.ts';
import { ClickhouseTable } from './clickhouse-table.ts';
import { commonOptions, count, duration, flag, size } from './options.ts';
import { QueuedProducer } from './queued-producer.ts';
import { tlsOption } from './tls.ts';

const shape = z.strictObject({
  ...commonOptions,
  batch_bytes: size('16MiB', 'blocks are inserted together up to so many octets'),
  batch_delay: duration('1s', 'blocks that are fewer are inserted after this time'),
  url: z
    .url({ protocol: /^https?$/, error: 'must be an address such as http://localhost:8123' })
    .prefault('http://localhost:8123')
    .meta({ description: 'HTTP interface of the server' }),
  database: z.string().min(1).prefault('default').meta({ description: 'database of the table' }),
  table: z.string().min(1).prefault('flows').meta({ description: 'table for flow records' }),
  user: z.string().min(1).prefault('default').meta({ description: 'name of the user' }),
  password: z.string().prefault('').meta({ description: 'its password' }),
  create: flag(false, 'the database, the table and columns that are missing are made'),
  engine: z
    .string()
    .min(1)
    .prefault('MergeTree()')
    .meta({ description: 'of a table that is made' }),
  partition_by: z.string().min(1).optional().meta({
    description: 'of a table that is made: an expression; absent: the day of `time_received`',
  }),
  order_by: z.string().min(1).optional().meta({
    description:
      'of a table that is made: an expression; absent: five minutes of `time_received`, exporter, interfaces',
  }),
  ttl_days: count(0, 'of a table that is made: rows are deleted after so many days; 0: never'),
  settings: z
    .record(z.string().regex(/^\w+$/), z.union([z.string(), z.number()]))
    .prefault({})
    .meta({ description: 'settings of ClickHouse for each insert, such as `async_insert: 1`' }),
  compression: z
    .enum(['none', 'gzip', 'zstd'])
    .prefault('none')
    .meta({ description: 'of what is sent: `none`, `gzip` or `zstd`' }),
  tls: tlsOption,
});

const options = shape.refine(({ url, tls }) => tls === undefined || url.startsWith('https:'), {
  path: ['tls'],
  error: 'is for addresses that begin with https:',
});

export type ClickhouseOptions = z.output<typeof options>;

/**
 * ClickHouse 18.16 and later, by HTTP. Blocks that wait are inserted by one statement. What is sent again after a
 * failure may be there twice, but for replicated tables: they know a block that they have.
 */
export const clickhouseKind: ProducerKind<ClickhouseOptions> = {
  name: 'clickhouse',
  options,
  formats: ['clickhouse'],
  create: (given, context) => new ClickhouseProducer(given, context),
};

class ClickhouseProducer extends QueuedProducer {
  readonly #table: ClickhouseTable;

  constructor(given: ClickhouseOptions, context: ProducerContext) {
    const table = new ClickhouseTable(given);
    const http = new ClickhouseHttp(given);
    super({
      options: given,
      context,
      name: `clickhouse at ${new URL(given.url).host}`,
      link: () => new ClickhouseLink({ options: given, http, table, log: context.log }),
    });
    this.#table = table;
  }

  override offer(batch: EncodedBatch): boolean {
    if (batch.columns !== undefined) this.#table.columns = batch.columns;
    return super.offer(batch);
  }
}
