/** Producers against real peers, which have the other core: what one record costs on our side. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import type { EncodedBatch } from '../../src/flow/model/encoded-batch.ts';
import type { Producer } from '../../src/flow/model/producer.ts';
import { loadProducerKind } from '../../src/flow/produce/kinds.ts';
import { endProcess } from '../../test/lab/shell.ts';
import { confine } from '../../test/load/machine.ts';
import { freeTcpPort } from '../../test/support/free-port.ts';
import { isInstalled } from '../shell.ts';
import {
  type Measurement,
  type MeasurementContext,
  type Prepared,
  Unavailable,
  type Work,
} from './measurement.ts';

/** Of a record: about what protobuf takes. */
const RECORD_OCTETS = 110;
const RECORDS = 2048;
const EXPORTERS = 64;
const WARM_UP_MS = 500;
const END_MS = 10_000;

/** A program that a producer sends to. */
interface Peer {
  readonly options: Record<string, unknown>;
  readonly program?: ChildProcess;
}

interface Case {
  readonly name: string;
  readonly description: string;
  readonly kind: string;
  readonly recordsPerMessage: number;
  readonly needs?: string;
  start(context: MeasurementContext): Promise<Peer>;
}

const CASES: readonly Case[] = [
  ...[1, 50].map((recordsPerMessage) => ({
    name: `kafka ${recordsPerMessage}`,
    description: `librdkafka's mock cluster of three brokers, ${recordsPerMessage} records a message, acks: all`,
    kind: 'kafka',
    recordsPerMessage,
    needs: 'kcat',
    start: startKafka,
  })),
  {
    name: 'nats 1',
    description: 'nats-server, one record a message',
    kind: 'nats',
    recordsPerMessage: 1,
    needs: 'nats-server',
    start: (context) => startNats(context, false),
  },
  {
    name: 'jetstream 50',
    description: 'nats-server with a stream in files, 50 records a message, each acknowledged',
    kind: 'nats',
    recordsPerMessage: 50,
    needs: 'nats-server',
    start: (context) => startNats(context, true),
  },
  {
    name: 'file 1',
    description: 'a file, a line a record',
    kind: 'file',
    recordsPerMessage: 1,
    start: async ({ folder }) => ({
      options: { path: path.join(folder, 'flows-{time}'), fsync: 'never' },
    }),
  },
];

export const producers: readonly Measurement[] = CASES.map((measured) => ({
  id: `producers/${measured.name}`,
  description: measured.description,
  unit: 'records',
  prepare: (context) => prepare(measured, context),
}));

async function prepare(measured: Case, context: MeasurementContext): Promise<Prepared> {
  const { needs, recordsPerMessage } = measured;
  if (needs !== undefined && !(await isInstalled(needs)))
    throw new Unavailable(`${needs} is not installed`);
  const peer = await measured.start(context);
  const kind = await loadProducerKind(measured.kind, '/');
  const options = kind.options.parse({ ...peer.options, batch_delay: '5ms' });
  const log = pino({ level: 'silent' });
  const producer = kind.create(options, { log, pipeline: 'bench', shard: 0 });
  await producer.start();
  const batch = batchOf(recordsPerMessage);
  const deliver = (milliseconds: number) => deliverFor(producer, batch, milliseconds);
  await deliver(WARM_UP_MS);
  return {
    run: deliver,
    async [Symbol.asyncDispose]() {
      await producer.stop(END_MS);
      if (peer.program !== undefined) await endProcess(peer.program, 'SIGKILL', END_MS);
    },
  };
}

/** Offers what the queue takes, and counts what has been acknowledged. */
async function deliverFor(
  producer: Producer,
  batch: EncodedBatch,
  milliseconds: number,
): Promise<Work> {
  const end = performance.now() + milliseconds;
  const before = producer.counters.delivered;
  const failed = producer.counters.failed;
  while (performance.now() < end) {
    while (producer.counters.queuedBytes < 4 * batch.bytes.length) producer.offer(batch);
    await delay(1);
  }
  await producer.flush(END_MS);
  if (producer.status.state !== 'ok' || producer.counters.failed > failed) {
    throw new Error(`it did not deliver: ${JSON.stringify([producer.status, producer.counters])}`);
  }
  return { count: producer.counters.delivered - before };
}

function batchOf(recordsPerMessage: number): EncodedBatch {
  const messages = Math.floor(RECORDS / recordsPerMessage);
  const octets = recordsPerMessage * RECORD_OCTETS;
  const bytes = Buffer.alloc(messages * octets, 'flow record ');
  const exporters = Array.from({ length: EXPORTERS }, (_, i) => Buffer.from([192, 0, 2, i]));
  return {
    bytes,
    ends: Uint32Array.from({ length: messages }, (_, i) => (i + 1) * octets),
    keys: Array.from({ length: messages }, (_, i) => exporters[i % EXPORTERS] as Buffer),
    records: messages * recordsPerMessage,
    protocol: 'ipfix',
  };
}

async function startKafka({ otherCore }: MeasurementContext): Promise<Peer> {
  const args = ['-b', 'mock', '-X', 'test.mock.num.brokers=3', '-C', '-t', 'unused'];
  const { program, said } = await startPeer('kcat', args, /replaced with ([\d.:,]+)/, otherCore);
  return { program, options: { brokers: said[1]?.split(',') ?? [], topic: 'flows' } };
}

async function startNats(
  { folder, otherCore }: MeasurementContext,
  jetstream: boolean,
): Promise<Peer> {
  const port = await freeTcpPort();
  const args = ['-a', '127.0.0.1', '-p', `${port}`, ...(jetstream ? ['-js', '-sd', folder] : [])];
  const { program } = await startPeer('nats-server', args, /Server is ready/, otherCore);
  const servers = [`127.0.0.1:${port}`];
  if (jetstream) await makeStream(servers);
  return { program, options: { servers, jetstream, subject: 'flows' } };
}

async function makeStream(servers: string[]): Promise<void> {
  const [{ connect }, { jetstreamManager }] = await Promise.all([
    import('@nats-io/transport-node'),
    import('@nats-io/jetstream'),
  ]);
  const connection = await connect({ servers });
  const manager = await jetstreamManager(connection);
  await manager.streams.add({ name: 'FLOWS', subjects: ['flows'], max_bytes: 256 * 1024 ** 2 });
  await connection.close();
}

async function startPeer(name: string, args: readonly string[], ready: RegExp, core: number) {
  const program = spawn(name, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let text = '';
  program.stderr.setEncoding('utf8').on('data', (more: string) => {
    text += more;
  });
  for (;;) {
    const said = ready.exec(text);
    if (said !== null) {
      await confine(program.pid ?? 0, [core]);
      return { program, said };
    }
    await once(program.stderr, 'data');
  }
}
