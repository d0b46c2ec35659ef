/** The whole collector as it is used: from a socket on, all its processes. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freeUdpPort } from '../../test/support/free-port.ts';
import { descendantsOf, hasUdpPort, memoryOf } from '../processes.ts';
import { Service, waitFor } from '../shell.ts';
import type { Measurement, MeasurementContext, Work } from './measurement.ts';
import { sendFlows } from './sender.ts';
import { type FlowTraffic, v9Traffic } from './traffic.ts';
import { cpuSecondsOf, cpuSecondsUntilEnd } from './usage.ts';

const FLOXY = path.join(import.meta.dirname, '../../bin/floxy');
const DISCARD = path.join(import.meta.dirname, 'discard-producer.mjs');
const BUFFER_BYTES = 32 * 1024 ** 2;
const DATAGRAMS = 4096;
/** Control, a receiver and a worker; with the shell that starts them they are more. */
const CHILDREN = 2;

const EXPORTERS = 1000;
const TEMPLATES_EACH = 10;
/** Where the template id is in a v9 datagram: of a template, and of its data. */
const TEMPLATE_ID_AT = 24;
const SET_ID_AT = 20;
const MEGABYTE = 1e6;

export const pipeline: readonly Measurement[] = [
  {
    id: 'pipeline/socket to columns',
    description: 'floxy collect: v9, 21 fields, 22 records a datagram, from a socket to columns',
    unit: 'records',
    prepare: (context) => {
      const traffic = v9Traffic(DATAGRAMS);
      return { run: (milliseconds) => collect(traffic, milliseconds, context) };
    },
  },
  {
    id: 'pipeline/memory',
    description: `a worker that knows ${EXPORTERS} exporters with ${TEMPLATES_EACH} templates each`,
    unit: 'exporters',
    prepare: (context) => ({ run: () => manyExporters(context) }),
  },
];

/** One that runs, on the core of the measurement. */
class Collector implements AsyncDisposable {
  readonly port: number;
  readonly service: Service;
  readonly #folder: string;
  readonly #log: string;

  private constructor(port: number, folder: string) {
    this.port = port;
    this.#folder = folder;
    this.#log = path.join(folder, 'log');
    // The log is read when it has ended.
    const command = `exec "$0" collect "$1" --listen "127.0.0.1:${port}" 2> "$2"`;
    const file = path.join(folder, 'pipelines.yaml');
    this.service = new Service(['sh', '-c', command, FLOXY, file, this.#log], {
      env: {
        ...process.env,
        COLLECTOR_FLOXY_RECEIVE_BUFFER_BYTES: `${BUFFER_BYTES}`,
        COLLECTOR_PIPELINES_DIRECTORY: path.join(folder, 'kept'),
        COLLECTOR_LOG_LEVEL: 'info',
      },
    });
  }

  static async start({ folder }: MeasurementContext): Promise<Collector> {
    const own = path.join(folder, `collect-${performance.now()}`);
    await mkdir(own, { mode: 0o777 });
    const producer = `{kind: ${DISCARD}}`;
    const text = `pipelines:\n  - {name: bench, format: none, producer: ${producer}}\n`;
    await writeFile(path.join(own, 'pipelines.yaml'), text);
    const collector = new Collector(await freeUdpPort(), own);
    const { service, port } = collector;
    await waitFor('it to listen and decode', async () => {
      service.assertRunning();
      const hasStarted = descendantsOf(service.pid).length >= CHILDREN;
      return hasStarted && hasUdpPort(service.pid, port) && (await collector.decodes());
    });
    return collector;
  }

  get pids(): number[] {
    return [this.service.pid, ...descendantsOf(this.service.pid)];
  }

  async decodes(): Promise<boolean> {
    return (await this.#text()).includes('pipeline worker started');
  }

  /** Once it has ended: records that came out. @throws Error when some did not */
  async delivered(): Promise<number> {
    const text = await this.#text();
    const found = /"bench":(\{[^}]*\})/.exec(text)?.[1];
    if (found === undefined) throw new Error(`it said nothing of what it did: ${text}`);
    return (JSON.parse(found) as { delivered: number }).delivered;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.service[Symbol.asyncDispose]();
    await rm(this.#folder, { recursive: true, force: true });
  }

  #text(): Promise<string> {
    return readFile(this.#log, 'utf8');
  }
}

async function collect(
  traffic: FlowTraffic,
  milliseconds: number,
  context: MeasurementContext,
): Promise<Work> {
  await using collector = await Collector.start(context);
  const { pids } = collector;
  const before = cpuSecondsOf(pids);
  await sendFlows(traffic, collector.port, milliseconds);
  const end = () => collector.service.process.kill('SIGINT');
  const cpuSeconds = (await cpuSecondsUntilEnd(pids, end)) - before;
  return { count: await collector.delivered(), cpuSeconds };
}

async function manyExporters(context: MeasurementContext): Promise<Work> {
  await using collector = await Collector.start(context);
  const traffic = v9Traffic(1);
  for (let exporter = 0; exporter < EXPORTERS; exporter++) {
    await sendFrom(`127.1.${exporter >> 8}.${exporter & 255}`, collector.port, traffic);
  }
  await delay(1000);
  const workers = collector.pids.map(memoryOf).map(({ rssBytes }) => rssBytes);
  return { count: EXPORTERS, figures: { megabytes: Math.max(...workers) / MEGABYTE } };
}

/** An exporter's templates, and data of each. */
async function sendFrom(address: string, port: number, traffic: FlowTraffic): Promise<void> {
  const socket = createSocket('udp4').bind(0, address);
  await once(socket, 'listening');
  for (let i = 0; i < TEMPLATES_EACH; i++) {
    const template = Buffer.from(traffic.template);
    template.writeUInt16BE(256 + i, TEMPLATE_ID_AT);
    const data = Buffer.from(traffic.data[0] as Buffer);
    data.writeUInt16BE(256 + i, SET_ID_AT);
    for (const datagram of [template, data]) {
      await new Promise((resolve) => socket.send(datagram, port, '127.0.0.1', resolve));
    }
  }
  socket.close();
}
