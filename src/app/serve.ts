/** The service: everything is made, started and stopped here. */
import { type Logger, pino } from 'pino';
import { ApiServer } from '../api/server.ts';
import type { Config, UnknownVariable } from '../config.ts';
import { ControlPlane } from '../control/control-plane.ts';
import { ForwarderPlane } from '../dataplane/forwarder-plane.ts';
import { formatEndpoint, makeEndpoint } from '../model/endpoint.ts';
import { messageOf } from '../model/errors.ts';
import { SqliteRuleStore } from '../store/sqlite-rule-store.ts';
import { readBuildInfo } from './build-info.ts';
import { readHostAddresses } from './host-addresses.ts';

/**
 * Runs the service until SIGTERM or SIGINT; a second one ends it at once.
 *
 * @returns the exit status: 0, or 1 when the API cannot be served
 */
export async function serve(
  config: Config,
  unknownVariables: readonly UnknownVariable[],
): Promise<number> {
  const log = pino({ level: config.logLevel, base: null }, pino.destination({ sync: true }));
  const buildInfo = readBuildInfo();
  log.info(buildInfo, 'floxy starts');
  warnOfUnknown(unknownVariables, log);

  const dataPlane = new ForwarderPlane(config, log.child({ component: 'dataplane' }));
  const store = new SqliteRuleStore({
    path: config.databasePath,
    log: log.child({ component: 'store' }),
  });
  const control = new ControlPlane({
    store,
    dataPlane,
    hostAddresses: () => readHostAddresses(config.listen?.port),
    log: log.child({ component: 'control' }),
  });
  const api = new ApiServer({
    control,
    buildInfo,
    config: config.api,
    log: log.child({ component: 'api' }),
  });

  const ended = waitForSignal();
  try {
    await api.start();
  } catch (error) {
    log.fatal({ error: messageOf(error) }, 'the API cannot be served');
    return 1;
  }
  dataPlane.start();
  await control.start();
  logReady(config, control, log);

  log.info({ signal: await ended }, 'floxy stops');
  await control.stop();
  await dataPlane.stop();
  await api.stop();
  log.info('floxy stopped');
  return 0;
}

function waitForSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.once(signal, () => {
        resolve(signal);
        process.once(signal, () => process.exit(1));
      });
    }
  });
}

function logReady(config: Config, control: ControlPlane, log: Logger): void {
  const api = formatEndpoint(makeEndpoint(config.api.octets, config.api.port));
  if (config.listen === undefined) {
    log.warn({ api }, 'the proxy is off: COLLECTOR_FLOXY_ADDRESS is not set');
    return;
  }
  const { proxy } = control.status();
  const listen = formatEndpoint(makeEndpoint(config.listen.octets, config.listen.port));
  const { forwarders } = config;
  log.info({ api, listen, forwarders, state: proxy.state }, 'floxy is running: the proxy is on');
}

function warnOfUnknown(variables: readonly UnknownVariable[], log: Logger): void {
  for (const { name, nearest } of variables) {
    log.warn({ variable: name, didYouMean: nearest }, 'unknown setting ignored');
  }
}
