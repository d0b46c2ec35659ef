/** The announcer's process: everything is made, started and stopped here. */
import { networkInterfaces } from 'node:os';
import type { Logger } from 'pino';
import { Announcer } from '../announce/announcer.ts';
import { GobgpBackend } from '../announce/gobgp-backend.ts';
import { HealthJudge } from '../announce/health-judge.ts';
import { HealthProbe } from '../announce/health-probe.ts';
import { KernelBackend } from '../announce/kernel-backend.ts';
import type { RouteBackend } from '../announce/route-backend.ts';
import { messageOf } from '../base/errors.ts';
import type { AnnounceConfig } from '../config/announce.ts';
import type { UnknownVariable } from '../config/config.ts';
import { formatAddress, parseAddress } from '../model/address.ts';
import type { ClientTarget } from '../protocol/client.ts';
import { makeAnnouncerServer } from '../web/announcer-metrics.ts';
import { KeptListener } from './kept-listener.ts';
import { openLog, type ProcessLog } from './log.ts';
import { ignoreHangups, waitForSignal } from './signals.ts';
import { warnOfUnknown } from './unknown-variables.ts';

/** More falls than this within a minute are flapping. */
const MAX_FALLS = 3;
const FLAP_WINDOW_MS = 60_000;

/**
 * Runs the announcer until SIGTERM or SIGINT; a second one ends it at once.
 *
 * @returns the exit status: 0, or 1 when the addresses could not be withdrawn at the end
 */
export async function announce(
  config: AnnounceConfig,
  api: ClientTarget,
  unknownVariables: readonly UnknownVariable[],
): Promise<number> {
  process.title = 'floxy: announce';
  const { log, close } = makeLog(config);
  ignoreHangups(log);
  warnOfUnknown(unknownVariables, log);
  if (config.method === 'gobgp') warnOfForeignAddresses(config.addresses, log);
  const announcer = new Announcer({
    probe: new HealthProbe(api, {
      timeoutMs: config.timeoutMs,
      isWellWithoutRules: config.withoutRules === 'yes',
    }),
    judge: new HealthJudge({
      fall: config.fall,
      rise: config.rise,
      maxFalls: MAX_FALLS,
      flapWindowMs: FLAP_WINDOW_MS,
      holdStepMs: config.holdSeconds * 1000,
      holdMaxMs: config.holdMaxSeconds * 1000,
    }),
    backend: makeBackend(config),
    addresses: config.addresses,
    intervalMs: config.intervalMs,
    onExit: config.onExit,
    log,
  });
  const pages = pagesOf(announcer, config.metricsAddress, log);
  const ended = waitForSignal(['SIGTERM', 'SIGINT']);
  announcer.start();
  await pages?.start();
  log.info({ signal: await ended }, 'announcer ends');
  const isWithdrawn = await announcer.stop();
  await pages?.stop();
  await close();
  return isWithdrawn ? 0 : 1;
}

function pagesOf(
  announcer: Announcer,
  address: AnnounceConfig['metricsAddress'],
  log: Logger,
): KeptListener | undefined {
  if (address === 'off') return undefined;
  const source = { startedAt: new Date(), figures: () => announcer.figures() };
  return new KeptListener(makeAnnouncerServer(source, address, log), log);
}

/** Withdraws the addresses that are announced. @returns the exit status: 0, or 1 when that failed */
export async function withdrawOnce(config: AnnounceConfig): Promise<number> {
  const { log, close } = makeLog(config);
  const backend = makeBackend(config);
  try {
    for (const address of await backend.announced()) {
      await backend.withdraw(address);
      log.info({ address }, 'withdrawn');
    }
    return 0;
  } catch (error) {
    log.fatal({ error: messageOf(error) }, 'the addresses cannot be withdrawn');
    return 1;
  } finally {
    backend.close();
    await close();
  }
}

function makeLog(config: AnnounceConfig): ProcessLog {
  const processLog = openLog(config);
  return { ...processLog, log: processLog.log.child({ component: 'announce' }) };
}

function makeBackend({ method, gobgpTarget, addresses }: AnnounceConfig): RouteBackend {
  return method === 'gobgp'
    ? new GobgpBackend(gobgpTarget, addresses)
    : new KernelBackend(addresses);
}

/** What is announced and not taken here would be lost. (A local route takes addresses too: no error.) */
function warnOfForeignAddresses(addresses: readonly string[], log: Logger): void {
  const own = Object.values(networkInterfaces()).flatMap((list) =>
    (list ?? []).map(({ address }) => formatAddress(parseAddress(address) ?? new Uint8Array(4))),
  );
  for (const address of addresses.filter((candidate) => !own.includes(candidate))) {
    const command = `ip addr add ${address}/${address.includes(':') ? 128 : 32} dev lo`;
    log.warn({ address, command }, 'no interface of this host has the address: add it');
  }
}
