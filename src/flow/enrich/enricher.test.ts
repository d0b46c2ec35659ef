import assert from 'node:assert/strict';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { pino } from 'pino';
import { waitFor } from '../../../test/lab/shell.ts';
import { writeMmdb } from '../../../test/support/mmdb-writer.ts';
import { FloxyError } from '../../base/errors.ts';
import { FlowBatch } from '../model/flow-batch.ts';
import { parseWords } from './address-words.ts';
import { makeEnricher } from './make-enricher.ts';
import { enrichmentOptions } from './options.ts';
import { WatchedFile } from './watched-file.ts';

const log = pino({ enabled: false });
const EXPORTER = '192.0.2.1';

async function makeFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const folder = await mkdtemp(path.join(tmpdir(), 'floxy-enrich-'));
  return {
    path: folder,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

interface Row {
  readonly exporter?: string;
  readonly inIf?: number;
  readonly outIf?: number;
  readonly src?: string;
  readonly srcAs?: number;
}

function batchOf(rows: readonly Row[]): FlowBatch {
  const batch = new FlowBatch(Math.max(1, rows.length));
  const { columns } = batch;
  for (const [
    i,
    { exporter = EXPORTER, inIf = 0, outIf = 0, src = '::', srcAs = 0 },
  ] of rows.entries()) {
    columns.samplerAddress.set(parseWords(exporter) ?? [], i * 4);
    columns.srcAddr.set(parseWords(src) ?? [], i * 4);
    columns.inIf[i] = inIf;
    columns.outIf[i] = outIf;
    columns.srcAs[i] = srcAs;
  }
  batch.rows = rows.length;
  return batch;
}

function namesIn({ rows, texts, columns }: FlowBatch): (string | undefined)[][] {
  const { samplerName, inIfName, outIfName } = columns;
  return Array.from({ length: rows }, (_, i) =>
    [samplerName, inIfName, outIfName].map((column) => texts[column[i] ?? 0]),
  );
}

function networksIn({ rows, texts, columns }: FlowBatch): (string | number | undefined)[][] {
  const { srcAs, srcCountry } = columns;
  return Array.from({ length: rows }, (_, i) => [srcAs[i], texts[srcCountry[i] ?? 0]]);
}

function network(octets: readonly number[], length: number, as: number, country: string) {
  const entry = { autonomous_system_number: as, country: { iso_code: country } };
  return { octets: Uint8Array.from(octets), length, entry };
}

test('names come from the file first, then from what exporters tell; batch after batch', async () => {
  await using folder = await makeFolder();
  await writeFile(
    path.join(folder.path, 'names.csv'),
    `${EXPORTER},,edge1\n${EXPORTER},1,uplink\n`,
  );
  const options = enrichmentOptions.parse({ names: { file: 'names.csv' } });
  const enricher = makeEnricher(options, { log, folder: folder.path });
  await enricher.start();
  const exporter = parseWords(EXPORTER) ?? new Uint32Array(4);
  enricher.names.interfaceNamed(exporter, 1, 'ge-0/0/1', 'told');
  enricher.names.interfaceNamed(exporter, 2, 'ge-0/0/2', 'told');
  enricher.names.interfaceNamed(parseWords('2001:db8::1') ?? exporter, 2, '', 'only described');
  const batch = batchOf([
    { inIf: 1, outIf: 2 },
    { inIf: 3, outIf: 0 },
    { exporter: '2001:db8::1', inIf: 2, outIf: 1 },
    { exporter: '203.0.113.1', inIf: 1 },
    { inIf: 2, outIf: 1 },
  ]);
  const expected = [
    ['edge1', 'uplink', 'ge-0/0/2'],
    ['edge1', '', ''],
    ['', 'only described', ''],
    ['', '', ''],
    ['edge1', 'ge-0/0/2', 'uplink'],
  ];
  for (let turn = 0; turn < 3; turn++) {
    enricher.enrich(batch);
    assert.deepEqual(namesIn(batch), expected);
    const { rows } = batch;
    const copies = Object.entries(batch.columns)
      .filter(([key]) => ['samplerAddress', 'inIf', 'outIf'].includes(key))
      .map(([key, column]) => [key, (column as Uint32Array).slice()] as const);
    batch.clear();
    for (const [key, copy] of copies) {
      (batch.columns[key as 'inIf'] as Uint32Array).set(copy);
    }
    batch.rows = rows;
  }
  enricher.enrich(batch);
  assert.deepEqual(namesIn(batch), expected);
  enricher.stop();
});

test('AS is filled where the exporter gave 0, always or never, as the options say; files in their order', async () => {
  await using folder = await makeFolder();
  const first = writeMmdb([network([198, 51, 100, 0], 24, 64_500, 'DE')]);
  const second = writeMmdb([
    network([198, 51, 0, 0], 16, 64_501, 'US'),
    network([0x20, 0x01, 0x0d, 0xb8, ...new Array<number>(12).fill(0)], 32, 64_502, 'NL'),
  ]);
  await writeFile(path.join(folder.path, 'first.mmdb'), first);
  await writeFile(path.join(folder.path, 'second.mmdb'), second);
  const rows = [
    { src: '198.51.100.7' },
    { src: '198.51.99.7' },
    { src: '198.51.100.8', srcAs: 7 },
    { src: '2001:db8::7' },
    { src: '203.0.113.7', srcAs: 8 },
  ];
  const found = async (networks: object) => {
    const files = ['first.mmdb', 'second.mmdb'];
    const options = enrichmentOptions.parse({ networks: { files, ...networks } });
    const enricher = makeEnricher(options, { log, folder: folder.path });
    await enricher.start();
    const batch = batchOf(rows);
    enricher.enrich(batch);
    enricher.stop();
    return networksIn(batch);
  };
  const countries = ['DE', 'US', 'DE', 'NL', ''];
  const withCountries = (as: readonly number[]) => as.map((number, i) => [number, countries[i]]);
  assert.deepEqual(await found({}), withCountries([64_500, 64_501, 7, 64_502, 8]));
  assert.deepEqual(
    await found({ as: 'always' }),
    withCountries([64_500, 64_501, 64_500, 64_502, 8]),
  );
  assert.deepEqual(await found({ as: 'never' }), withCountries([0, 0, 7, 0, 8]));
  const [[, country] = []] = await found({ country: false });
  assert.equal(country, '');
});

test('counts are corrected for sampling, unless that is not wanted', async () => {
  for (const [estimate, expected] of [
    [true, 42_000],
    [false, 0],
  ] as const) {
    const enricher = makeEnricher(enrichmentOptions.parse({ estimate }), { log, folder: '/' });
    await enricher.start();
    const batch = batchOf([{}]);
    batch.columns.bytes.low[0] = 42;
    batch.columns.samplingRate[0] = 1000;
    enricher.enrich(batch);
    assert.equal(batch.columns.estimatedBytes.low[0], expected);
    enricher.stop();
  }
});

test('a file that is missing or wrong keeps a pipeline from starting, and is named', async () => {
  await using folder = await makeFolder();
  await writeFile(path.join(folder.path, 'wrong.mmdb'), 'no networks');
  for (const file of ['missing.mmdb', 'wrong.mmdb']) {
    const options = enrichmentOptions.parse({ networks: { files: [file] } });
    const enricher = makeEnricher(options, { log, folder: folder.path });
    await assert.rejects(enricher.start(), (error) => {
      assert.ok(error instanceof FloxyError);
      assert.match(error.message, new RegExp(file));
      return true;
    });
    enricher.stop();
  }
});

test('a changed file is taken over, a broken one is not, and a file put in its place is', async () => {
  await using folder = await makeFolder();
  const file = path.join(folder.path, 'words.txt');
  await writeFile(file, 'one');
  const seen: string[] = [];
  let failures = 0;
  const watched = new WatchedFile({
    path: file,
    maxBytes: 100,
    read: (bytes) => {
      if (bytes.length > 10) throw new Error('too long a word');
      return bytes.toString();
    },
    onRead: (word) => void seen.push(word),
    onFailure: () => void failures++,
    log,
    pollMs: 5,
  });
  await watched.start();
  await writeFile(file, 'broken, at length');
  await waitFor('the broken file to be seen', () => failures === 1);
  await writeFile(file, 'two');
  await waitFor('the repaired file to be read', () => seen.includes('two'));
  await writeFile(`${file}.new`, 'six');
  await rename(`${file}.new`, file);
  await waitFor('the file in its place to be read', () => seen.includes('six'));
  watched.stop();
  assert.equal(seen[0], 'one');
});

test('options are strict, and what belongs together is asked for together', () => {
  const wrong = [
    { name: {} },
    { names: { snmp: { access: { version: '2c', community: 'c' } } } },
    { names: { snmp: { access: { version: '2c', community: 'c' }, exporters: ['router'] } } },
    {
      names: {
        snmp: {
          access: { version: '3', user: 'u', auth_password: 'long enough' },
          exporters: ['::/0'],
        },
      },
    },
    { names: { snmp: { access: { version: '1', community: 'c' }, exporters: ['::/0'] } } },
    { networks: { files: [] } },
  ];
  for (const options of wrong) {
    assert.equal(enrichmentOptions.safeParse(options).success, false, JSON.stringify(options));
  }
});
