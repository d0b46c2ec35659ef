/** Who has the ports of the service. */
import type { SocketAddress } from '../../config/config.ts';
import { formatEndpoint, makeEndpoint } from '../../model/endpoint.ts';
import { isWildcard } from '../addresses.ts';
import { type Found, fail, ok, skip, warn } from '../finding.ts';
import {
  type BoundSocket,
  covers,
  describeOwners,
  findOwners,
  type Owner,
  readBoundSockets,
  socketName,
} from '../sockets.ts';
import type { ServiceReport, Subject } from '../subject.ts';

interface Port {
  readonly protocol: 'udp' | 'tcp';
  readonly address: SocketAddress;
  /** What it is for, in words. */
  readonly purpose: string;
  readonly variable: string;
}

interface SeenSocket {
  readonly socket: BoundSocket;
  readonly owners: readonly Owner[];
  readonly isOurs: boolean;
}

/** Spec of the names: docs/settings.md. */
export function lookAtFlowPort(subject: Subject): Found[] {
  const { config } = subject.settings;
  if (config === undefined) return [skip('the settings cannot be used')];
  if (config.listeners.length === 0) return [skip('COLLECTOR_FLOXY_ADDRESS is not set')];
  return config.listeners.flatMap((address) => {
    const variable = 'COLLECTOR_FLOXY_ADDRESS';
    return lookAtPort({ protocol: 'udp', address, purpose: 'flow', variable }, subject);
  });
}

export function lookAtApiPort(subject: Subject): Found[] {
  const { config } = subject.settings;
  if (config === undefined) return [skip('the settings cannot be used')];
  const port: Port = {
    protocol: 'tcp',
    address: config.api,
    purpose: 'the API',
    variable: 'COLLECTOR_API_ADDRESS',
  };
  return lookAtPort(port, subject);
}

export function lookAtMetricsPort(subject: Subject): Found[] {
  const { config } = subject.settings;
  const address = config?.metrics.address;
  if (address === undefined) return [skip('the settings cannot be used')];
  if (address === 'off') return [ok('COLLECTOR_METRICS_ADDRESS is off: nothing is served')];
  const port: Port = {
    protocol: 'tcp',
    address,
    purpose: 'metrics',
    variable: 'COLLECTOR_METRICS_ADDRESS',
  };
  return lookAtPort(port, subject);
}

function lookAtPort(port: Port, { service }: Subject): Found[] {
  const { protocol, address } = port;
  const all = readBoundSockets(protocol);
  if (all === undefined) return [skip(`/proc/net/${protocol} cannot be read`)];
  const sockets = all.filter((socket) => socket.port === address.port && meets(socket, address));
  const owners = findOwners(sockets);
  const seen = sockets.map((socket) => {
    const its = owners.get(socket.inode) ?? [];
    return { socket, owners: its, isOurs: isOurs(its, service) };
  });
  return judge(port, seen, service);
}

/** Whether packets for one may come to the other. */
function meets(socket: BoundSocket, { octets }: SocketAddress): boolean {
  return isWildcard(octets) || covers(socket, octets);
}

/** A process of the service cannot be seen by everybody. */
function isOurs(owners: readonly Owner[], service: ServiceReport | undefined): boolean {
  if (service === undefined) return false;
  if (owners.length === 0 || service.pids.length === 0) return true;
  return owners.some(({ pid, name }) => service.pids.includes(pid) || name.startsWith('floxy: '));
}

function judge(
  port: Port,
  seen: readonly SeenSocket[],
  service: ServiceReport | undefined,
): Found[] {
  const { protocol, address, purpose, variable } = port;
  const name = `${protocol.toUpperCase()} ${formatEndpoint(makeEndpoint(address.octets, address.port))} (${purpose})`;
  const ours = seen.filter((socket) => socket.isOurs);
  const others = seen.filter((socket) => !socket.isOurs);
  if (ours.length === 0) return judgeWithout(name, variable, others, service);
  const foreign = others.map(({ socket, owners }) =>
    warn(
      `${socketName(socket)} is of ${describeOwners(socket, owners)}: what comes to that address does not come to the service`,
      'end it, or give it another port',
    ),
  );
  return foreign.length > 0 ? foreign : [ok(`${name} is the service's`)];
}

function judgeWithout(
  name: string,
  variable: string,
  others: readonly SeenSocket[],
  service: ServiceReport | undefined,
): Found[] {
  const [first] = others;
  if (first !== undefined) {
    return [
      fail(
        `${name} is taken by ${describeOwners(first.socket, first.owners)}`,
        `end that program, or choose another port with ${variable}`,
      ),
    ];
  }
  if (service === undefined) return [ok(`${name} is free`)];
  return [
    fail(
      `${name} is not open, although the service runs`,
      'its state and its log say why; were the settings changed since it was started?',
    ),
  ];
}
