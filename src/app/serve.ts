/** The service: everything is made, started and stopped here. */
import type { Logger } from 'pino';
import { ApiServer } from '../api/server.ts';
import { messageOf } from '../base/errors.ts';
import type { Config, EffectiveSetting, UnknownVariable } from '../config/config.ts';
import { formatSocketAddress } from '../config/socket-address.ts';
import { Backups } from '../control/backups.ts';
import type { Control } from '../control/control.ts';
import { ControlPlane } from '../control/control-plane.ts';
import { RulesHistory } from '../control/history.ts';
import type { Plane } from '../dataplane/plane.ts';
import { formatEndpoint, makeEndpoint } from '../model/endpoint.ts';
import type { BuildInfo } from '../model/status.ts';
import { hostWatches } from '../paths/host-watches.ts';
import { ThreadedRuleStore } from '../store/threaded-rule-store.ts';
import { EventLog } from '../telemetry/event-log.ts';
import { readBuildInfo } from './build-info.ts';
import { drainBeforeEnd } from './drain.ts';
import { makeExplaining } from './explaining.ts';
import { endForwarding, LEAVE_SIGNAL, makeDataPlane, startForwarding } from './forwarding.ts';
import { keepHeapSmall } from './heap.ts';
import { readHostAddresses } from './host-addresses.ts';
import { openLog, type ProcessLog } from './log.ts';
import { Monitoring } from './monitoring.ts';
import { proxySource } from './monitoring-source.ts';
import { Paths } from './paths.ts';
import { Pipelines } from './pipelines.ts';
import { makeRulesSource, type RulesSource } from './rules-source.ts';
import { describeService } from './service-description.ts';
import { ServiceManager } from './service-manager.ts';
import { ignoreHangups, waitForSignal } from './signals.ts';
import { warnOfUnknown } from './unknown-variables.ts';
import { watchHealth } from './watch-health.ts';
import { Watches } from './watches.ts';
import { WayWatch } from './way-watch.ts';

/** What else the environment said, for the log. */
export interface Environment {
  readonly unknownVariables: readonly UnknownVariable[];
  readonly settings: readonly EffectiveSetting[];
}

/**
 * Runs the service until SIGTERM, which drains first when that is set, SIGINT, or SIGUSR2 (LEAVE_SIGNAL); a second one
 * ends it at once.
 *
 * @returns the exit status: 0, or 1 when the API cannot be served
 */
export async function serve(
  config: Config,
  { unknownVariables, settings }: Environment,
): Promise<number> {
  // What ps, top and ss show; otherwise they say MainThread.
  process.title = 'floxy: control';
  keepHeapSmall();
  const processLog = openLog(config);
  const { log, close } = processLog;
  warnOfUnknown(unknownVariables, log);
  const effective = settings.map(({ variable, value }) => [variable, value]);
  log.debug({ settings: Object.fromEntries(effective) }, 'settings');
  try {
    return await run(config, settings, processLog);
  } finally {
    await close();
  }
}

async function run(
  config: Config,
  settings: readonly EffectiveSetting[],
  processLog: ProcessLog,
): Promise<number> {
  const { log } = processLog;
  const startedAt = new Date();
  const buildInfo = logStart(log);
  const events = new EventLog({ log: log.child({ component: 'events' }) });
  const hostParts = hostWatches();
  const paths = new Paths(config, hostParts, log.child({ component: 'paths' }));
  const planeLog = log.child({ component: 'dataplane' });
  const surroundings = { paths: paths.table, hostWatches: hostParts, events };
  const dataPlane = makeDataPlane(config, surroundings, planeLog);
  const { store, ways, health, control } = makeControl(config, { dataPlane, paths }, events, log);
  const { source, served } = makeRulesSource(config, control, log);
  const manager = makeManager(dataPlane, served, log);
  const pipelines = await openPipelines(config, log.child({ component: 'pipelines' }));
  reloadAtHangup(config, { pipelines, source, manager }, log);
  const watches = new Watches({ control, served, ways, health, events, log });
  const { exporters } = watches;
  const listening = config.listeners.map(formatSocketAddress);
  const explaining = makeExplaining(config, health, { dataPlane, paths });
  const known = { history: watches.history, exporters, events, explaining };
  const api = new ApiServer({
    control: served,
    pipelines,
    pipelineStats: pipelines,
    tails: pipelines,
    rulesHistory: new RulesHistory({ control, store }),
    backups: new Backups(store),
    captures: dataPlane,
    buildInfo,
    surroundings: { startedAt, listening, settings, ...known },
    config: config.api,
    log: log.child({ component: 'api' }),
  });

  const told = { config, buildInfo, startedAt, processLog, control, served, api };
  const service = proxySource({ ...told, events, exporters });
  const monitoring = new Monitoring({ config: config.metrics, service, pipelines, log });
  const ended = waitForSignal(['SIGTERM', 'SIGINT', LEAVE_SIGNAL]);
  try {
    await api.start();
  } catch (error) {
    log.fatal({ error: messageOf(error) }, 'the API cannot be served');
    return 1;
  }
  await monitoring.start();
  await startForwarding(config, { dataPlane, health, paths });
  servePipelines(pipelines, dataPlane);
  await manager.readyAfter(startRules(control, source));
  logReady(config, served, log);
  watches.start();

  const signal = await ended;
  manager.stopping(signal === 'SIGTERM' ? config.drainSeconds : 0);
  watches.stop();
  if (signal === 'SIGTERM') await drainBeforeEnd(control, config.drainSeconds, log);
  log.info({ signal }, 'floxy stops');
  await source?.stop();
  await control.stop();
  await endForwarding(signal, { dataPlane, paths, pipelines });
  await monitoring.stop();
  await api.stop();
  manager.stop();
  log.info('floxy stopped');
  return 0;
}

function logStart(log: Logger): BuildInfo {
  const buildInfo = readBuildInfo();
  log.info(buildInfo, 'floxy starts');
  return buildInfo;
}

/** The rules, and what is known of their collectors. */
function makeControl(
  config: Config,
  { dataPlane, paths }: { readonly dataPlane: Plane; readonly paths: Paths },
  events: EventLog,
  log: Logger,
) {
  const store = openStore(config, log.child({ component: 'store' }));
  const ways = new WayWatch({ log: log.child({ component: 'ways' }) });
  const healthLog = log.child({ component: 'health' });
  const health = watchHealth({ config, dataPlane, ways, events, log: healthLog });
  const control = new ControlPlane({
    store,
    dataPlane,
    findWay: (collector) => ({ ...ways.find(collector), ...paths.senderTo(collector) }),
    health,
    hostAddresses: () => readHostAddresses(config.listeners),
    log: log.child({ component: 'control' }),
  });
  return { store, ways, health, control };
}

function openStore(config: Config, log: Logger): ThreadedRuleStore {
  const { databasePath: path, historyRevisions: revisions, historyBytes: bytes } = config;
  return new ThreadedRuleStore({ path, historyLimits: { revisions, bytes }, log });
}

function makeManager(dataPlane: Plane, served: Control, log: Logger): ServiceManager {
  const describe = () => describeService(served);
  const fault = () => dataPlane.fault();
  const manager = new ServiceManager({ env: process.env, describe, fault, log });
  manager.start();
  return manager;
}

/** A document that is wrong must not keep packets from being forwarded: there are no pipelines then. */
async function openPipelines(config: Config, log: Logger): Promise<Pipelines> {
  const pipelines = new Pipelines({
    file: config.pipelinesFile,
    directory: config.pipelinesDirectory,
    user: process.getuid?.() === 0 ? config.forwarderUser : undefined,
    leader: config.follow?.target,
    nodeTls: config.nodeTls,
    nodeTokenPath: config.nodeTokenPath,
    logLevel: config.logLevel,
    env: process.env,
    log,
  });
  try {
    await pipelines.open();
  } catch (error) {
    log.error({ error: messageOf(error) }, 'there are no pipelines: mend them, and send SIGHUP');
  }
  return pipelines;
}

/** The saved rules first: those of a file, or of a leader, build on them. */
async function startRules(control: ControlPlane, source: RulesSource | undefined): Promise<void> {
  await control.start();
  await source?.start();
}

interface Reloaded {
  readonly pipelines: Pipelines;
  readonly source: RulesSource | undefined;
  readonly manager: ServiceManager;
}

/** SIGHUP has the files read again that own pipelines and rules. */
function reloadAtHangup(
  { pipelinesFile }: Config,
  { pipelines, source, manager }: Reloaded,
  log: Logger,
): void {
  if (pipelinesFile === undefined && source?.reload === undefined) {
    ignoreHangups(log);
    return;
  }
  const reload = async () => {
    if (pipelinesFile !== undefined) await pipelines.reload();
    await source?.reload?.();
  };
  process.on('SIGHUP', () => void manager.whileReloading(reload));
}

/** Has workers read what forwarders hand over. Before there are rules: so they miss nothing. */
function servePipelines(pipelines: Pipelines, dataPlane: Plane): void {
  pipelines.start(dataPlane.rings().map(({ fd: ring, readers: states }) => ({ ring, states })));
  const place = () => pipelines.place(dataPlane.pipelines());
  dataPlane.onPipelines(place);
  place();
}

function logReady(config: Config, control: Control, log: Logger): void {
  const api = formatEndpoint(makeEndpoint(config.api.octets, config.api.port));
  if (config.listeners.length === 0) {
    log.warn({ api }, 'the proxy is off: COLLECTOR_FLOXY_ADDRESS is not set');
    return;
  }
  const { state, error } = control.status().proxy;
  const listen = config.listeners.map(formatSocketAddress).join(', ');
  const details = { api, listen, forwarders: config.forwarders, state };
  if (error === undefined) log.info(details, 'floxy is running: the proxy is on');
  else log.warn({ ...details, error }, `floxy is running, but the proxy is ${state}`);
}
