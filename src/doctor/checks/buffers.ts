/** Room for packets between network card and service. */
import { counted, type Found, fail, ok, skip, warn } from '../finding.ts';
import { readParameter, readText, runProgram } from '../host.ts';
import type { Subject } from '../subject.ts';
import { isNetworkAdmin } from './rights.ts';

const SS_LIMIT_MS = 3000;
/** Of the memory that all UDP sockets may take. */
const FULL_SHARE = 0.8;
const PAGE_BYTES = 4096;

export async function lookAtBuffers(subject: Subject): Promise<Found[]> {
  const found = [
    ...(await lookAtReceiveBuffer(subject)),
    ...lookAtBacklog(subject),
    ...lookAtUdpMemory(),
  ];
  const problems = found.filter(({ level }) => level !== 'OK');
  return problems.length > 0 ? problems : found.slice(0, 1);
}

async function lookAtReceiveBuffer({ service, settings }: Subject): Promise<Found[]> {
  const { config } = settings;
  if (config === undefined || config.listeners.length === 0)
    return [skip('where flow is received is not known')];
  const wanted = config.receiveBufferBytes;
  const limit = readParameter('net.core.rmem_max');
  if (service === undefined) {
    if (isNetworkAdmin() || limit === undefined || limit >= wanted)
      return [ok(`a receive buffer of ${wanted} bytes can be had`)];
    return [
      tooSmall(
        `net.core.rmem_max is ${limit}: receive buffers will have that instead of ${wanted} bytes`,
        wanted,
      ),
    ];
  }
  const ports = [...new Set(config.listeners.map(({ port }) => port))];
  const actual = await smallestBuffer(ports);
  if (typeof actual === 'string')
    return [skip(`receive buffers: ${actual}`, 'ss is in the package iproute2')];
  if (actual >= wanted) return [ok(`each forwarder's receive buffer has ${wanted} bytes`)];
  return [tooSmall(`receive buffers have ${actual} instead of ${wanted} bytes`, wanted)];
}

function tooSmall(what: string, wanted: number): Found {
  return warn(
    `${what}: bursts of flow are lost sooner`,
    `\`sysctl -w net.core.rmem_max=${wanted}\` (keep it in /etc/sysctl.d) and restart the service, or give it CAP_NET_ADMIN`,
  );
}

/** In bytes, as a setting says them; why it cannot be told. The kernel counts twice as much. */
async function smallestBuffer(ports: readonly number[]): Promise<number | string> {
  const filter = ports.map((port) => `sport = :${port}`).join(' or ');
  const result = await runProgram(['ss', '-H', '-u', '-a', '-n', '-m', filter], SS_LIMIT_MS);
  if (result.problem !== undefined) return result.problem;
  const sizes = [...result.output.matchAll(/skmem:\([^)]*\brb(\d+)/g)].map(
    ([, size]) => Number(size) / 2,
  );
  return sizes.length === 0
    ? `ss knows no UDP socket at port ${ports.join(', ')}`
    : Math.min(...sizes);
}

function lookAtBacklog({ samples: [before, after] }: Subject): Found[] {
  const then = before.kernel.backlogDrops;
  const now = after.kernel.backlogDrops;
  if (then === undefined || now === undefined)
    return [skip('/proc/net/softnet_stat cannot be read')];
  if (now <= then) return [];
  const limit = readParameter('net.core.netdev_max_backlog') ?? 1000;
  return [
    fail(
      `the kernel drops packets of this host before any program sees them (${counted(now - then, 'packet')} while this looked)`,
      `\`sysctl -w net.core.netdev_max_backlog=${limit * 10}\` (now ${limit}); spread the interrupts of the network card over more cores`,
    ),
  ];
}

/** All UDP sockets of a network namespace share it. */
function lookAtUdpMemory(): Found[] {
  const used = /^UDP: inuse \d+ mem (\d+)/m.exec(readText('/proc/net/sockstat') ?? '')?.[1];
  const limit = readText('/proc/sys/net/ipv4/udp_mem')?.trim().split(/\s+/)[2];
  if (used === undefined || limit === undefined) return [];
  if (Number(used) < FULL_SHARE * Number(limit)) return [];
  const [usedBytes, limitBytes] = [used, limit].map((pages) => Number(pages) * PAGE_BYTES);
  return [
    fail(
      `UDP sockets take ${usedBytes} of ${limitBytes} bytes that they may have together: the kernel drops what comes then`,
      'find who does not read (`ss -uanm`), or raise the third number of `sysctl net.ipv4.udp_mem`',
    ),
  ];
}
