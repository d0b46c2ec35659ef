/** From NetFlow v9 datagrams, 22 records each, to messages of each format; and the second half alone, from rows. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import { BatchWriter } from '../../src/flow/decode/batch-writer.ts';
import { NetflowColumns } from '../../src/flow/decode/columns/netflow-columns.ts';
import { makeDecodeCounters } from '../../src/flow/decode/counters.ts';
import { Decoder } from '../../src/flow/decode/decoder.ts';
import { NetflowWalker } from '../../src/flow/decode/netflow-walker.ts';
import { ROW_FORMATS } from '../../src/flow/format/row-formats.ts';
import { vflowOptions } from '../../src/flow/format/vflow/vflow-json.ts';
import type { FlowBatch } from '../../src/flow/model/flow-batch.ts';
import type { RowFormat } from '../../src/flow/model/format.ts';
import type { Packets } from '../../src/flow/model/packets.ts';
import { FlowPath } from '../../src/flow/pipeline/worker/flow-path.ts';
import { SeldomLog } from '../../src/flow/pipeline/worker/seldom-log.ts';
import { VflowWriting } from '../../src/flow/pipeline/worker/vflow-writing.ts';
import { clickhouseKind } from '../../src/flow/produce/clickhouse.ts';
import { confine } from '../../test/load/machine.ts';
import { packetsOf } from '../../test/support/packets.ts';
import { type Measurement, type Prepared, type Work, workFor } from './measurement.ts';
import { type FlowTraffic, ipfixTraffic, v9Traffic } from './traffic.ts';

const DATAGRAMS = 256;
const NO_SFLOW = { datagram: () => undefined, endBatch: () => undefined };
/** Octets that wait for the server: three inserts. */
const ENOUGH_WAITING = 48 * 1024 * 1024;

const NAMES = [
  { name: 'flat json', format: 'json', what: 'flat JSON, an object a message' },
  { name: 'protobuf', format: 'protobuf', what: "protobuf of goflow2's FlowMessage" },
  { name: 'csv', format: 'csv', what: 'CSV, all columns' },
  { name: 'clickhouse', format: 'clickhouse', what: 'blocks of ClickHouse' },
];

export const formats: readonly Measurement[] = [
  ...NAMES.flatMap(({ name, format, what }): Measurement[] => [
    {
      id: `formats/${name}`,
      description: `NetFlow v9, 22 records a datagram, to ${what}`,
      unit: 'records',
      prepare: () => decodedTo(makeFormat(format)),
    },
    {
      id: `formats/${name} from rows`,
      description: `the same rows to ${what}, without decoding`,
      unit: 'records',
      prepare: () => writtenFrom(decodedRows(), makeFormat(format)),
    },
  ]),
  vflowJson('vflow json', 'NetFlow v9, 21 fields', v9Traffic),
  vflowJson('vflow json of ipfix', 'IPFIX, 25 fields', ipfixTraffic),
  {
    id: 'producers/clickhouse',
    description: 'rows to blocks of ClickHouse, sent by HTTP to a process that reads them',
    unit: 'records',
    prepare: ({ otherCore }) => insertedFrom(decodedRows(), otherCore),
  },
];

/** What it writes for each datagram is made from the datagram, without rows. */
function vflowJson(
  name: string,
  what: string,
  make: (datagrams: number) => FlowTraffic,
): Measurement {
  return {
    id: `formats/${name}`,
    description: `${what}, 22 records a datagram, to vFlow's JSON`,
    unit: 'records',
    prepare: () => {
      let records = 0;
      const path = new FlowPath(
        {
          offer: (batch) => {
            records += batch.records;
            return true;
          },
        },
        new SeldomLog(pino({ level: 'silent' })),
      );
      const writing = new VflowWriting(vflowOptions.parse({}), path);
      const netflow = new NetflowWalker({
        counters: makeDecodeCounters(),
        consumers: [writing.netflow],
      });
      const decoder = new Decoder({ counters: makeDecodeCounters(), netflow, sflow: NO_SFLOW });
      const { template, data } = make(DATAGRAMS);
      decoder.decode(packetsOf([template]));
      const packets = packetsOf(data);
      return {
        run: (milliseconds) =>
          workFor(milliseconds, () => {
            records = 0;
            decoder.decode(packets);
            writing.flush();
            return records;
          }),
      };
    },
  };
}

/** Encodes a batch. @returns how many records it had */
type Encode = (batch: FlowBatch) => number;

function makeFormat(name: string): Encode {
  const kind = ROW_FORMATS.get(name);
  if (kind === undefined) throw new Error(`there is no format ${name}`);
  const context = { extraColumns: [], keyed: true };
  const format: RowFormat = kind.create(kind.options.parse({}), context);
  return (batch) => format.encode(batch, kind.recordsPerMessage ?? batch.rows).records;
}

function decodedTo(encode: Encode): Prepared {
  let records = 0;
  const decode = decoderOf((batch) => {
    records += encode(batch);
  });
  return {
    run: (milliseconds) =>
      workFor(milliseconds, () => {
        records = 0;
        decode();
        return records;
      }),
  };
}

function writtenFrom(batch: FlowBatch, encode: Encode): Prepared {
  return { run: (milliseconds) => workFor(milliseconds, () => encode(batch)) };
}

/** A full batch of rows. */
function decodedRows(): FlowBatch {
  let full: FlowBatch | undefined;
  const decode = decoderOf((batch) => {
    full ??= copyOf(batch);
  });
  while (full === undefined) decode();
  return full;
}

/** The writer uses its batch again: this one stays. */
function copyOf(batch: FlowBatch): FlowBatch {
  return Object.assign(Object.create(Object.getPrototypeOf(batch)), {
    ...batch,
    columns: structuredClone(batch.columns),
    texts: [...batch.texts],
  });
}

/** What decodes all datagrams once. */
function decoderOf(full: (batch: FlowBatch) => void): () => void {
  const counters = makeDecodeCounters();
  const writer = new BatchWriter(full);
  const columns = new NetflowColumns(writer, { counters, extras: [], sampling: [] });
  const netflow = new NetflowWalker({ counters, consumers: [columns] });
  const decoder = new Decoder({ counters, netflow, sflow: NO_SFLOW });
  const { template, data } = v9Traffic(DATAGRAMS);
  decoder.decode(packetsOf([template]));
  const packets: Packets = packetsOf(data);
  return () => {
    decoder.decode(packets);
    writer.flush();
  };
}

async function insertedFrom(batch: FlowBatch, otherCore: number): Promise<Prepared> {
  const sink = fork(new URL('http-sink.ts', import.meta.url));
  const [port] = await once(sink, 'message');
  await confine(sink.pid ?? 0, [otherCore]);
  const kind = ROW_FORMATS.get('clickhouse');
  const format = kind?.create(kind.options.parse({}), { extraColumns: [], keyed: false });
  if (format === undefined) throw new Error('there is no format clickhouse');
  const encode = () => format.encode(batch, batch.rows);
  const options = { url: `http://127.0.0.1:${port}`, create: true };
  const producer = clickhouseKind.create(clickhouseKind.options.parse(options), {
    log: pino({ level: 'warn' }),
    pipeline: 'bench',
    shard: 0,
  });
  await producer.start();
  return {
    run: (milliseconds) => offerFor(milliseconds),
    async [Symbol.asyncDispose]() {
      await producer.stop(1000);
      sink.kill();
    },
  };

  async function offerFor(milliseconds: number): Promise<Work> {
    const end = performance.now() + milliseconds;
    const before = producer.counters.delivered;
    while (performance.now() < end) {
      if (producer.counters.queuedBytes < ENOUGH_WAITING) producer.offer(encode());
      else await delay(1);
    }
    await producer.flush(60_000);
    return { count: producer.counters.delivered - before };
  }
}
