/** The whole collector as it is used: from a socket on, all its processes. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freeTcpPort, freeUdpPort } from '../../test/support/free-port.ts';
import { descendantsOf, hasUdpPort, memoryOf } from '../processes.ts';
import { Service, waitFor } from '../shell.ts';
import type { Measurement, MeasurementContext, Prepared, Work } from './measurement.ts';
import { FlowSender } from './sender.ts';
import { type FlowTraffic, v9Traffic } from './traffic.ts';
import { cpuSecondsOf, untilIdle } from './usage.ts';

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

/** Until the code is compiled and buffers have their size. */
const WARM_UP_MS = 4000;
const STEADY_RATE = 100_000;

export const pipeline: readonly Measurement[] = [
  {
    id: 'pipeline/socket to columns',
    description: 'floxy collect: v9, 21 fields, 22 records a datagram, from a socket to columns',
    unit: 'records',
    prepare: (context) => prepareCollecting(context, 0),
  },
  {
    id: 'pipeline/100,000 packets a second',
    description: 'the same at an even rate, receiver, worker and control on one core',
    unit: 'records',
    prepare: (context) => prepareCollecting(context, STEADY_RATE),
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
  readonly #metrics: string;

  private constructor(port: number, metricsPort: number, folder: string) {
    this.port = port;
    this.#metrics = `127.0.0.1:${metricsPort}`;
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
        COLLECTOR_METRICS_ADDRESS: this.#metrics,
      },
    });
  }

  static async start({ folder }: MeasurementContext): Promise<Collector> {
    const own = path.join(folder, `collect-${performance.now()}`);
    await mkdir(own, { mode: 0o777 });
    const producer = `{kind: ${DISCARD}}`;
    const text = `pipelines:\n  - {name: bench, format: none, producer: ${producer}}\n`;
    await writeFile(path.join(own, 'pipelines.yaml'), text);
    const collector = new Collector(await freeUdpPort(), await freeTcpPort(), own);
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
    return (await readFile(this.#log, 'utf8')).includes('pipeline worker started');
  }

  /** Records that have come out so far. */
  async delivered(): Promise<number> {
    const text = await (await fetch(`http://${this.#metrics}/metrics`)).text();
    const found = /^floxy_pipeline_producer_delivered_total\{[^}]*\} (\S+)$/m.exec(text)?.[1];
    if (found === undefined) throw new Error(`it does not say what it delivered: ${text}`);
    return Number(found);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.service[Symbol.asyncDispose]();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** One that stays for all turns, as it does in use. @param rate datagrams a second; 0 = all that it takes */
async function prepareCollecting(context: MeasurementContext, rate: number): Promise<Prepared> {
  await using resources = new AsyncDisposableStack();
  const collector = resources.use(await Collector.start(context));
  const { port, pids } = collector;
  const traffic = v9Traffic(DATAGRAMS);
  const core = context.otherCore;
  const sender = resources.use(await FlowSender.start(traffic, { port, rate, core }));
  await sender.send(WARM_UP_MS);
  await untilIdle(pids);
  const ready = resources.move();
  return {
    run: async (milliseconds) => {
      const delivered = await collector.delivered();
      const before = cpuSecondsOf(pids);
      const { datagrams, late } = await sender.send(milliseconds);
      await untilIdle(pids);
      const cpuSeconds = cpuSecondsOf(pids) - before;
      const count = (await collector.delivered()) - delivered;
      const lost = datagrams * traffic.recordsEach - count;
      return { count, cpuSeconds, figures: { lost, late } };
    },
    [Symbol.asyncDispose]: () => ready.disposeAsync(),
  };
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
