import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { pino } from 'pino';
import { columnName } from '../../../src/flow/format/columns.ts';
import { nativeFormat } from '../../../src/flow/format/native.ts';
import { COLUMNS } from '../../../src/flow/model/columns.ts';
import type { Producer } from '../../../src/flow/model/producer.ts';
import { clickhouseKind } from '../../../src/flow/produce/clickhouse.ts';
import { tableStatement } from '../../../src/flow/produce/clickhouse-table.ts';
import { packageRoot } from '../../../src/package-root.ts';
import { waitFor } from '../../lab/shell.ts';
import {
  arbitraryFlowRows,
  type FlowRow,
  type FlowValue,
  flowBatchOf,
} from '../../support/arbitrary-flow-batch.ts';
import { ClickhouseServer } from '../../support/clickhouse-server.ts';
import { AnsweringServer, ClickhouseStandIn } from '../../support/clickhouse-stand-in.ts';
import { bigOf, microsecondsOf, textOf } from '../../support/flow-values.ts';
import { describeConformance } from '../../support/producer-conformance.ts';

/** Those of Debian's server, which is of 2018. */
const TYPES = { types: 'basic' };
const CONTEXT = { extraColumns: [], keyed: false };

describeConformance({
  title: 'clickhouse',
  kind: clickhouseKind,
  makePeer: () => ClickhouseStandIn.make(),
  acknowledged: 'by peer',
});

describe('clickhouse', () => {
  test('rows of all kinds are in the table as they were sent', async () => {
    await using server = await ClickhouseServer.make();
    await server.up();
    for (const compression of ['none', 'gzip']) {
      const options = { create: true, database: 'netflow', table: compression, compression };
      await using producer = started(server.url, options);
      const [rows = []] = fc.sample(arbitraryFlowRows([], 2000), { numRuns: 1, seed: 7 });
      const numbered = rows.map((row, i) => ({ ...row, sequenceNum: i }));
      producer.offer(makeFormat().encode(flowBatchOf(numbered), 100));
      await delivered(producer);
      assert.equal(producer.counters.delivered, numbered.length);
      const told = await server.query(
        `SELECT ${COLUMNS.map(shown).join(', ')} FROM netflow.${compression} ORDER BY sequence_num FORMAT JSONCompact`,
      );
      assert.deepEqual(JSON.parse(told).data, numbered.map(expectedRow));
    }
  });

  test('a server that is killed and comes back has what was delivered, and accounts are exact', async () => {
    await using server = await ClickhouseServer.make();
    await using producer = started(server.url, { create: true, batch_bytes: '2kB' });
    const format = makeFormat({ fields: ['sequence_num', 'src_port'] });
    let sent = 0;
    const offer = (count: number) => {
      const rows = Array.from({ length: count }, () => ({ sequenceNum: sent++, srcPort: 53 }));
      producer.offer(format.encode(flowBatchOf(rows), 50));
      const { offered, delivered, failed, dropped, queuedRecords } = producer.counters;
      assert.equal(offered, sent);
      assert.equal(offered, delivered + failed + dropped + queuedRecords);
    };
    for (let life = 0; life < 2; life++) {
      await server.up();
      const before = producer.counters.delivered;
      offer(1000);
      await waitFor('some of it is delivered', () => producer.counters.delivered > before);
      offer(1000);
      await server.down();
      offer(1000);
      await waitFor('it is told', () => producer.status.state === 'failing');
      assert.match(producer.status.error ?? '', /^clickhouse at 127\.0\.0\.1:\d+: ./);
    }
    await server.up();
    await delivered(producer);
    assert.equal(producer.counters.delivered, sent);
    const told = await server.query(
      'SELECT count(DISTINCT sequence_num), sum(src_port) >= 53 * count(DISTINCT sequence_num) FROM flows',
    );
    assert.equal(told, `${sent}\t1\n`);
  });

  test('a table that is not there is told, with what to do; when it is made, what waited is in it', async () => {
    await using server = await ClickhouseServer.make();
    await server.up();
    await using producer = started(server.url);
    producer.offer(makeFormat({ fields: ['src_port'] }).encode(flowBatchOf([{ srcPort: 53 }]), 1));
    await waitFor('it is told', () => producer.status.state === 'failing');
    assert.match(
      producer.status.error ?? '',
      /there is no table default\.flows, .* \(deploy\/clickhouse\/flows\.sql\), or set `create: true`/,
    );
    await server.query('CREATE TABLE flows (src_port UInt16) ENGINE = Memory');
    await delivered(producer);
    assert.equal(await server.query('SELECT * FROM flows'), '53\n');
    await server.query('DROP TABLE flows');
    producer.offer(makeFormat({ fields: ['src_port'] }).encode(flowBatchOf([{ srcPort: 54 }]), 1));
    await waitFor('it is told again', () => producer.status.state === 'failing');
    await server.query('CREATE TABLE flows (src_port UInt16) ENGINE = Memory');
    await delivered(producer);
    assert.equal(await server.query('SELECT * FROM flows'), '54\n');
  });

  test('columns that a table lacks are added where that may be, and told and left out otherwise', async () => {
    await using server = await ClickhouseServer.make();
    await server.up();
    const format = makeFormat({ fields: ['src_port', 'dst_port', 'src_addr'] });
    const rows = [{ srcPort: 53, dstPort: 54, srcAddr: [0, 0, 0xffff, 0xc000_0201] }];
    await server.query('CREATE TABLE flows (src_port UInt16) ENGINE = MergeTree ORDER BY src_port');
    const logged: string[] = [];
    await using careful = started(server.url, {}, logged);
    careful.offer(format.encode(flowBatchOf(rows), 1));
    await delivered(careful);
    assert.equal(await server.query('SELECT * FROM flows'), '53\n');
    assert.match(
      logged.join('\n'),
      /table default\.flows has no dst_port, src_addr, .* ALTER TABLE default\.flows ADD COLUMN dst_port UInt16/,
    );
    await using free = started(server.url, { create: true });
    free.offer(format.encode(flowBatchOf(rows), 1));
    await delivered(free);
    assert.equal(
      await server.query(
        'SELECT src_port, dst_port, IPv6NumToString(src_addr) FROM flows ORDER BY dst_port',
      ),
      '53\t0\t::\n53\t54\t::ffff:192.0.2.1\n',
    );
  });

  test('users, passwords and rights that are wrong are told with what to do', async () => {
    await using server = await ClickhouseServer.make('ge:heim é');
    await server.up();
    await using wrong = started(server.url, { password: 'other' });
    await waitFor('it is told', () => wrong.status.state === 'failing');
    assert.match(
      wrong.status.error ?? '',
      /SELECT failed \(HTTP \d+\): .*; see `user` and `password`/,
    );
    await using right = started(server.url, { password: 'ge:heim é', create: true });
    right.offer(makeFormat().encode(flowBatchOf([{ srcPort: 53 }]), 1));
    await delivered(right);
    assert.equal(right.counters.delivered, 1);
  });

  test('what the server cannot read is given up and counted; what it has no room for is kept', async () => {
    let answer: { status: number; text: string } | undefined;
    await using server = await AnsweringServer.start((query) =>
      query.startsWith('INSERT') ? answer : { status: 200, text: 'src_port\n' },
    );
    await using producer = started(server.url);
    const format = makeFormat({ fields: ['src_port'] });
    answer = { status: 500, text: 'Code: 252, e.displayText() = DB::Exception: Too many parts' };
    producer.offer(format.encode(flowBatchOf([{ srcPort: 53 }]), 1));
    await waitFor('it is told', () => producer.status.state === 'failing');
    assert.match(
      producer.status.error ?? '',
      /INSERT failed .*Too many parts; .*raise `batch_delay`/,
    );
    assert.equal(producer.counters.queuedRecords, 1);
    answer = { status: 400, text: 'Code: 33. DB::Exception: Cannot read all data' };
    await waitFor('it is given up', () => producer.counters.failed === 1);
    answer = { status: 413, text: '<html>too large</html>' };
    producer.offer(format.encode(flowBatchOf([{ srcPort: 53 }]), 1));
    await waitFor('it is given up', () => producer.counters.failed === 2);
    assert.match(producer.status.error ?? '', /HTTP 413\): .*; lower `batch_bytes`/);
    answer = undefined;
    producer.offer(format.encode(flowBatchOf([{ srcPort: 53 }]), 1));
    await delivered(producer);
    assert.deepEqual(producer.status, { state: 'ok' });
  });

  test('the schema that is shipped is the one that is made', () => {
    const format = nativeFormat.create(nativeFormat.options.parse({}), CONTEXT);
    const { columns = [] } = format.encode(flowBatchOf([]), 1);
    const made = tableStatement('flows', { engine: 'MergeTree()', ttl_days: 0 }, columns);
    assert.equal(statementsOf('deploy/clickhouse/flows.sql')[0], made);
  });

  test('the rollup adds up the traffic of interfaces, and the queries of the examples run', async () => {
    await using server = await ClickhouseServer.make();
    await server.up();
    await using producer = started(server.url, { create: true });
    const format = makeFormat();
    producer.offer(format.encode(flowBatchOf([{ proto: 6 }]), 1));
    await delivered(producer);
    for (const statement of statementsOf('deploy/clickhouse/rollup.sql')) {
      await server.query(statement);
    }
    const minute = Math.floor(Date.now() / 60_000) * 60_000;
    const rows = Array.from({ length: 100 }, (_, i) => ({
      timeReceived: minute + i * 10,
      samplerAddress: [0, 0, 0xffff, 0xc000_0201],
      inIf: i % 2,
      bytes: [0, 1000],
      packets: [0, 2],
      estimatedBytes: [0, 100_000],
    }));
    producer.offer(format.encode(flowBatchOf(rows), 30));
    await delivered(producer);
    const told = await server.query(
      'SELECT toUnixTimestamp(minute), in_if, sum(bytes), sum(packets), sum(estimated_bytes), sum(flows) ' +
        'FROM flows_by_interface GROUP BY minute, in_if ORDER BY in_if',
    );
    assert.equal(
      told,
      [0, 1].map((i) => `${minute / 1000}\t${i}\t50000\t100\t5000000\t50\n`).join(''),
    );
    for (const statement of statementsOf('examples/clickhouse/queries.sql')) {
      await server.query(statement);
    }
  });

  test('takes no options that it does not know, and TLS only where it is', () => {
    const parse = (options: object) => clickhouseKind.options.parse(options);
    assert.throws(() => parse({ tabel: 'flows' }), /tabel/);
    assert.throws(() => parse({ url: 'ftp://host' }), /must be an address such as http/);
    assert.throws(() => parse({ tls: {} }), /is for addresses that begin with https:/);
    parse({ url: 'https://clickhouse.example:8443', tls: {} });
  });
});

function makeFormat(options: object = {}) {
  return nativeFormat.create(nativeFormat.options.parse({ ...TYPES, ...options }), CONTEXT);
}

/** The statements of a file, without comments. */
function statementsOf(file: string): string[] {
  const text = readFileSync(join(packageRoot, file), 'utf8').replaceAll(/^--.*\n/gm, '');
  return text
    .split(/;\n/)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');
}

function started(url: string, options: object = {}, logged: string[] = []) {
  const quick = { batch_delay: '5ms', retry_delay: '10ms', retry_delay_max: '100ms' };
  const parsed = clickhouseKind.options.parse({ url, ...quick, ...options });
  const log = pino({ level: 'warn' }, { write: (line: string) => logged.push(line) });
  const producer = clickhouseKind.create(parsed, { log, pipeline: 'p', shard: 0 });
  void producer.start();
  return Object.assign(producer, { [Symbol.asyncDispose]: () => producer.stop(2000) });
}

async function delivered(producer: Producer): Promise<void> {
  await waitFor(
    () => `all is delivered: ${JSON.stringify([producer.status, producer.counters])}`,
    () => producer.counters.queuedRecords === 0,
  );
}

/** How the server shows a column, so that every kind can be compared. */
function shown({ key, kind }: (typeof COLUMNS)[number]): string {
  const name = columnName(key);
  if (kind === 'address') return `lower(hex(${name}))`;
  if (kind === 'time') return `toUnixTimestamp(${name})`;
  return kind === 'mac' ? `MACNumToString(${name})` : name;
}

function expectedRow(row: FlowRow): unknown[] {
  return COLUMNS.map(({ key, kind }) => {
    const value = row[key] as FlowValue;
    if (kind === 'time') return Math.min(Math.floor(microsecondsOf(value) / 1e6), 0xffff_ffff);
    if (kind === 'u64') return String(bigOf(value));
    if (kind === 'address') return hexOf(value as readonly number[]);
    if (kind === 'mac') return textOf(kind, value).toUpperCase();
    return typeof value === 'number' ? value : textOf(kind, value).toWellFormed();
  });
}

function hexOf(words: readonly number[]): string {
  return words.map((word) => word.toString(16).padStart(8, '0')).join('');
}
