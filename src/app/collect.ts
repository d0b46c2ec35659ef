/** The collector without the proxy: what arrives at sockets of its own goes to all pipelines. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Logger } from 'pino';
import type { Config, SocketAddress } from '../config/config.ts';
import { CounterColumns } from '../dataplane/memory/counter-columns.ts';
import { Plane } from '../dataplane/plane.ts';
import { RulePublisher } from '../dataplane/rule-publisher.ts';
import { SocketEngine } from '../dataplane/socket/socket-engine.ts';
import { formatEndpoint, makeEndpoint } from '../model/endpoint.ts';
import { readBuildInfo } from './build-info.ts';
import { openLog, type ProcessLog } from './log.ts';
import { Monitoring } from './monitoring.ts';
import { collectorSource } from './monitoring-source.ts';
import { Pipelines } from './pipelines.ts';
import { ServiceManager } from './service-manager.ts';
import { waitForSignal } from './signals.ts';

export interface CollectOptions {
  /** The file of pipelines; undefined = `document` is all. */
  readonly file: string | undefined;
  readonly document: string | undefined;
  /** Where flow is received; undefined = where the file says, or at `DEFAULT_LISTEN`. */
  readonly listen: readonly SocketAddress[] | undefined;
  /** Whether it ends when nobody reads standard output any more. */
  readonly endsWithOutput: boolean;
}

/** NetFlow, IPFIX, sFlow, and what many exporters are set to; every version is taken on every port. */
export const DEFAULT_LISTEN: readonly SocketAddress[] = [2055, 4739, 6343, 9995].map((port) => ({
  octets: new Uint8Array(16),
  port,
}));

/** Datagrams of exporters can be fragmented: none is cut. */
const PACKET_BYTES = 65_535;

const OUTPUT_CHECK_MS = 500;

/**
 * Runs the collector until SIGTERM or SIGINT; a second one ends it at once. SIGHUP has the file read again. The log is on
 * standard error.
 *
 * @returns the exit status: 0, or 1 when nothing can be received
 * @throws FloxyError INVALID_INPUT that says all that is wrong with the file
 */
export async function collect(config: Config, options: CollectOptions): Promise<number> {
  process.title = 'floxy: collect';
  const processLog = openLog(config, 2);
  const { log, close } = processLog;
  log.info(readBuildInfo(), 'floxy collect starts');
  const ended = waitForSignal(['SIGTERM', 'SIGINT']);
  const temporary =
    options.file === undefined ? mkdtempSync(path.join(tmpdir(), 'floxy-collect-')) : undefined;
  const directory = temporary ?? config.pipelinesDirectory;
  try {
    return await run({ ...config, pipelinesDirectory: directory }, options, { processLog, ended });
  } finally {
    if (temporary !== undefined) rmSync(temporary, { recursive: true, force: true });
    await close();
  }
}

interface Process {
  readonly processLog: ProcessLog;
  readonly ended: Promise<NodeJS.Signals>;
}

async function run(config: Config, options: CollectOptions, { processLog, ended }: Process) {
  const { log } = processLog;
  const startedAt = new Date();
  const pipelines = new Pipelines({
    file: options.file,
    document: options.document,
    directory: config.pipelinesDirectory,
    user: process.getuid?.() === 0 ? config.forwarderUser : undefined,
    nodeTls: config.nodeTls,
    nodeTokenPath: config.nodeTokenPath,
    logLevel: config.logLevel,
    env: process.env,
    log: log.child({ component: 'pipelines' }),
  });
  const opened = await pipelines.open();
  const listeners = options.listen ?? opened.listen ?? DEFAULT_LISTEN;
  const plane = makePlane(config, listeners, log.child({ component: 'dataplane' }));
  const manager = makeManager(plane, pipelines, log);
  await plane.start();
  const { state, error } = plane.status();
  if (state === 'Offline') {
    await plane.stop();
    log.fatal({ error }, 'flow cannot be received');
    return 1;
  }
  pipelines.start(plane.rings().map(({ fd: ring, readers: states }) => ({ ring, states })));
  plane.onPipelines(() => pipelines.place(plane.pipelines()));
  await manager.readyAfter(sendToAll(plane, pipelines));
  const service = collectorSource({ buildInfo: readBuildInfo(), startedAt, processLog, plane });
  const monitoring = new Monitoring({ config: config.metrics, service, pipelines, log });
  await monitoring.start();
  const reload = () => pipelines.reload().then(() => sendToAll(plane, pipelines));
  const hangup = () => void manager.whileReloading(reload);
  process.on('SIGHUP', hangup);
  const listening = listeners.map(({ octets, port }) => formatEndpoint(makeEndpoint(octets, port)));
  log.info({ listen: listening, pipelines: [...pipelines.names] }, 'flow is collected');

  const reason = await (options.endsWithOutput
    ? Promise.race([ended, outputClosed(pipelines)])
    : ended);
  process.off('SIGHUP', hangup);
  manager.stopping(0);
  log.info({ reason }, 'floxy collect stops');
  await plane.stop();
  await pipelines.stop();
  await monitoring.stop();
  manager.stop();
  log.info(summary(pipelines), 'floxy collect stopped');
  return 0;
}

function makeManager(plane: Plane, pipelines: Pipelines, log: Logger): ServiceManager {
  const describe = () => {
    const { state, error } = plane.status();
    const names = [...pipelines.names].join(', ');
    return `${state}, pipelines: ${names}${error === undefined ? '' : `: ${error}`}`;
  };
  const fault = () => plane.fault();
  const manager = new ServiceManager({ env: process.env, describe, fault, log });
  manager.start();
  return manager;
}

function makePlane(config: Config, listeners: readonly SocketAddress[], log: Logger): Plane {
  const columns = new CounterColumns();
  const engine = new SocketEngine(
    {
      ...config,
      listeners,
      sends: false,
      engine: 'socket',
      packetBufferBytes: PACKET_BYTES,
      probeIntervalMs: 0,
      orphanLimitMs: 0,
      // Not where a proxy looks for forwarders that it could take over.
      runtimeDirectory: path.join(config.pipelinesDirectory, 'receivers'),
    },
    columns,
    log,
  );
  const publisher = new RulePublisher(listeners, columns);
  return new Plane({ engines: [engine], publisher, columns, log });
}

/** One rule for all exporters: each packet goes to each pipeline. */
async function sendToAll(plane: Plane, { names }: Pipelines): Promise<void> {
  const defaultOutputs = [...names].map((pipeline) => ({ pipeline }));
  const prepared = await plane.prepare({ rules: [], defaultOutputs });
  await prepared.putInForce();
}

/** Resolves when nobody reads standard output any more. */
function outputClosed(pipelines: Pipelines): Promise<string> {
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      const errors = pipelines
        .pipelines()
        .flatMap(({ workers }) => workers.map(({ producer }) => producer.error ?? ''));
      if (!errors.some((error) => error.includes('EPIPE'))) return;
      clearInterval(timer);
      resolve('nobody reads standard output any more');
    }, OUTPUT_CHECK_MS);
    timer.unref();
  });
}

/** Of all that was received, what became of it. */
function summary(pipelines: Pipelines) {
  return Object.fromEntries(
    pipelines.pipelines().map(({ name, total, deaths }) => {
      const { taken, lost, abandoned } = total.ring;
      const { delivered, failed, dropped } = total.producer;
      const { recordsUnfinished: unfinished } = deaths;
      return [name, { taken, lost, abandoned, delivered, failed, dropped, unfinished }];
    }),
  );
}
