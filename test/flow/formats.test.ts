/** From datagrams to where people keep flow: `floxy collect` with pipelines of several formats, and their readers. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { floxy } from '../lab/service.ts';
import { endProcess, HANG_MS, waitFor } from '../lab/shell.ts';
import { ClickhouseServer } from '../support/clickhouse-server.ts';
import { freeUdpPort } from '../support/free-port.ts';
import { netflow5 } from './support/netflow5.ts';

const FLOWS = 500;
/** Octets of each flow: its number times this (netflow5.ts). */
const OCTETS_EACH = 100;
const OCTETS = (OCTETS_EACH * FLOWS * (FLOWS + 1)) / 2;

test('flow is in ClickHouse, in CSV and in protobuf, all of it', async (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'floxy-formats-test-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  // Workers run as a user of their own, when the test runs as root.
  chmodSync(folder, 0o777);
  await using server = await ClickhouseServer.make();
  await server.up();
  const port = await freeUdpPort();
  const file = path.join(folder, 'flows.yaml');
  writeFileSync(file, pipelines(port, server.url, folder));
  const collector = spawn(floxy, ['collect', file], {
    env: {
      PATH: process.env['PATH'],
      COLLECTOR_LOG_LEVEL: 'info',
      COLLECTOR_PIPELINES_DIRECTORY: path.join(folder, 'kept'),
    },
  });
  let said = '';
  collector.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  try {
    await waitFor(
      () => `flow is collected: ${said}`,
      () => said.split('pipeline worker started').length > 3 && said.includes('flow is collected'),
    );
    await sendFlows(port);
    let there = '';
    await waitFor(
      () => `all is in ClickHouse, which has ${there}: ${said}`,
      async () => {
        there = await counted(server);
        return there === `${FLOWS}\t${OCTETS}\n`;
      },
    );
  } finally {
    await endProcess(collector, 'SIGTERM', HANG_MS);
  }
  const [header = '', ...lines] = readAll(folder, '.csv').toString().trimEnd().split('\n');
  assert.equal(header, 'src_addr,bytes');
  assert.equal(lines.length, FLOWS);
  assert.equal(
    lines.reduce((sum, line) => sum + Number(line.split(',')[1]), 0),
    OCTETS,
  );
  assert.equal(recordsOf(readAll(folder, '.bin')), FLOWS);
});

function pipelines(port: number, url: string, folder: string): string {
  const files = (ending: string) =>
    `{kind: file, path: '${folder}/{pipeline}-{shard}-{time}.${ending}'}`;
  return `listen: ['127.0.0.1:${port}']
pipelines:
  - name: house
    format: {kind: clickhouse, types: basic}
    producer: {kind: clickhouse, url: '${url}', create: true, batch_delay: 100ms}
  - name: lines
    format: {kind: csv, fields: [src_addr, bytes]}
    producer: ${files('csv')}
  - name: octets
    format: protobuf
    producer: ${files('bin')}
`;
}

async function sendFlows(port: number): Promise<void> {
  const socket = createSocket('udp4');
  for (let number = 1; number <= FLOWS; number++) {
    await new Promise((resolve) => socket.send(netflow5(1, number), port, '127.0.0.1', resolve));
    if (number % 100 === 0) await delay(1);
  }
  socket.close();
}

/** Flows and their octets; the table may not be there yet. */
async function counted(server: ClickhouseServer): Promise<string> {
  return server.query('SELECT count(), sum(bytes) FROM flows').catch(() => '');
}

function readAll(folder: string, ending: string): Buffer {
  const names = readdirSync(folder).filter((name) => name.endsWith(ending) && name[0] !== '.');
  return Buffer.concat(names.map((name) => readFileSync(path.join(folder, name))));
}

/** How many records stand behind their lengths. */
function recordsOf(octets: Buffer): number {
  let records = 0;
  for (let at = 0; at < octets.length; records++) {
    let length = 0;
    for (let shift = 0; ; shift += 7) {
      const octet = octets.readUInt8(at++);
      length |= (octet & 0x7f) << shift;
      if (octet < 0x80) break;
    }
    at += length;
    assert.ok(at <= octets.length, 'a record is not whole');
  }
  return records;
}
