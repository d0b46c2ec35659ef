import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { BatchWriter } from '../../src/flow/decode/batch-writer.ts';
import { NetflowColumns } from '../../src/flow/decode/columns/netflow-columns.ts';
import { makeDecodeCounters } from '../../src/flow/decode/counters.ts';
import { Decoder } from '../../src/flow/decode/decoder.ts';
import { NetflowWalker } from '../../src/flow/decode/netflow-walker.ts';
import { SflowColumns } from '../../src/flow/decode/sflow/columns.ts';
import { SflowWalker } from '../../src/flow/decode/sflow/walker.ts';
import {
  exported,
  type FlowExporter,
  missing,
  NFPROBE,
  SFPROBE,
  SOFTFLOWD,
} from '../support/flow-exporters.ts';
import { nfcapdFlows } from '../support/nfcapd-flows.ts';
import { packetsOf } from '../support/packets.ts';
import { type Row, rowsOf } from '../support/rows.ts';
import { type Flow, makeTraffic } from '../support/traffic-capture.ts';

/** In a folder of its own, which is gone afterwards. */
async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'floxy-exporter-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

function exportedBy(exporter: FlowExporter): Promise<Uint8Array[]> {
  return inFolder((folder) => exported(exporter, folder, capture));
}

function rowsOfDatagrams(datagrams: readonly Uint8Array[]): Row[] {
  const rows: Row[] = [];
  const writer = new BatchWriter((batch) => rows.push(...rowsOf(batch)));
  const counters = makeDecodeCounters();
  const netflow = new NetflowWalker({
    counters,
    consumers: [new NetflowColumns(writer, { counters })],
  });
  const sflow = new SflowWalker(new SflowColumns(writer), counters);
  new Decoder({ counters, netflow, sflow }).decode(packetsOf(datagrams));
  writer.flush();
  netflow.stop();
  return rows;
}

type Told = Omit<Flow, 'protocol'> & { readonly protocol: unknown };

/** What makes a flow. */
function keyOf({ source, destination, protocol, sourcePort, destinationPort }: Told): string {
  return `${protocol} ${source} ${sourcePort} ${destination} ${destinationPort}`;
}

/** Packets and octets of each flow. */
function totals(flows: Iterable<Told>): Record<string, string> {
  const sums = new Map<string, [packets: number, bytes: number]>();
  for (const one of flows) {
    const key = keyOf(one);
    const [packets, bytes] = sums.get(key) ?? [0, 0];
    sums.set(key, [packets + one.packets, bytes + one.bytes]);
  }
  return Object.fromEntries([...sums].map(([key, sum]) => [key, sum.join()]).sort());
}

function flowOf(row: Row): Told {
  return {
    source: row.srcAddr as string,
    destination: row.dstAddr as string,
    protocol: row.proto,
    sourcePort: row.srcPort as number,
    destinationPort: row.dstPort as number,
    packets: Number(row.packets),
    bytes: Number(row.bytes),
  };
}

/** At most so many fit into one of sfprobe's. */
const SAMPLES_OF_A_DATAGRAM = 12;

const { flows, capture } = makeTraffic(60);
const ipv4 = flows.filter(({ source }) => !source.includes(':'));

describe('what exporters tell of traffic that is known', () => {
  for (const exporter of [...SOFTFLOWD, ...NFPROBE]) {
    const all = exporter.name.endsWith('5') ? ipv4 : flows;
    test(`${exporter.name}: all flows, packets and octets`, {
      skip: missing(exporter.program) || missing('nfcapd'),
    }, async () => {
      const datagrams = await exportedBy(exporter);
      const rows = rowsOfDatagrams(datagrams);
      assert.deepEqual(totals(rows.map(flowOf)), totals(all));
      assert.equal(rows.length, all.length);
      const theirs = await inFolder((folder) => nfcapdFlows(folder, datagrams));
      assert.deepEqual(totals(theirs), totals(all), 'nfcapd has the same');
      assert.equal(theirs.length, rows.length);
    });
  }

  test(`${SFPROBE.name}: all packets in their order, by their headers`, {
    skip: missing(SFPROBE.program),
  }, async () => {
    const sent = flows.flatMap((flow) => new Array<string>(flow.packets).fill(keyOf(flow)));
    const told = rowsOfDatagrams(await exportedBy(SFPROBE))
      .map(flowOf)
      .map(keyOf);
    assert.deepEqual(told, sent.slice(0, told.length));
    // It ends without sending the samples that have not filled a datagram yet.
    assert.ok(
      told.length > sent.length - SAMPLES_OF_A_DATAGRAM,
      `${told.length} of ${sent.length}`,
    );
  });
});
