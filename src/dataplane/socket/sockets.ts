import { closeSync } from 'node:fs';
import type { Logger } from 'pino';
import { FloxyError, messageOf } from '../../base/errors.ts';
import type { SocketAddress } from '../../config/config.ts';
import { formatEndpoint, makeEndpoint } from '../../model/endpoint.ts';
import { describeSocket } from '../../native/inherited.ts';
import { LIMIT } from '../../native/layout.ts';
import {
  openFrameSender,
  openOwnSender,
  openReceiver,
  openSender,
  steerReceivers,
} from '../../native/sockets.ts';
import { SystemCallError } from '../../native/system-call.ts';
import { type Descriptors, descriptorsOf } from './descriptors.ts';
import { overlap, widestFirst } from './overlap.ts';
import type { SocketEngineConfig } from './socket-engine.ts';

/** The sockets of one forwarder, opened by control and inherited. */
export interface ForwarderSockets {
  /** One for each listener. */
  readonly receive: readonly number[];
  /** Raw sockets; none where the host lacks the family. */
  readonly ipv4Senders: readonly number[];
  readonly ipv6Senders: readonly number[];
  /** UDP sockets that send from an address of this host; none where it lacks the family. */
  readonly ownIpv4Senders: readonly number[];
  readonly ownIpv6Senders: readonly number[];
  /** Packet sockets, for copies that leave as whole frames; none where the kernel has none. */
  readonly frameSenders: readonly number[];
}

export type SocketSettings = Pick<
  SocketEngineConfig,
  'listeners' | 'sends' | 'forwarders' | 'receiveBufferBytes' | 'sendBufferBytes'
>;

/** Sockets that a forwarder before had: those that are there are kept as they are. */
export interface InheritedSockets {
  /** By listener. */
  readonly receive: readonly (number | undefined)[];
  /** They keep their ports. */
  readonly ownIpv4Senders: readonly number[];
  readonly ownIpv6Senders: readonly number[];
}

/**
 * Raw sockets of one family that a forwarder has: as many collectors can be slow or dead without a word with
 * the others (docs/design.md). With many forwarders each has fewer, so that all together stay far below common
 * limits of open files.
 */
const MAX_SENDERS = LIMIT.SOCKETS;
const ALL_SENDERS = 512;

/**
 * Of one family for copies from an address of this host. They are for collectors beyond the local network mostly, and each
 * has a port: fewer do.
 */
const OWN_SENDERS = 8;

function ownSendersFor(forwarders: number): number {
  return Math.min(OWN_SENDERS, sendersFor(forwarders));
}

export function sendersFor(forwarders: number): number {
  return Math.max(1, Math.min(MAX_SENDERS, Math.floor(ALL_SENDERS / forwarders)));
}

/**
 * Opens every socket of the proxy, or none.
 *
 * @param inherited sockets of forwarders before, by index
 * @param bound where sockets of forwarders before are bound, also those that are not kept
 * @throws FloxyError DATA_PLANE that says what an operator can do
 */
export function openSockets(
  { listeners, ...settings }: SocketSettings,
  inherited: readonly (InheritedSockets | undefined)[],
  bound: readonly SocketAddress[] = [],
): readonly ForwarderSockets[] {
  const opened: number[] = [];
  const keep = (fd: number) => {
    opened.push(fd);
    return fd;
  };
  const own = [...bound];
  const openListener = (listener: SocketAddress) => {
    const { octets, port } = listener;
    const { receiveBufferBytes } = settings;
    // What is ours is in the way of nobody: the first socket that covers an address finds other programs.
    const exclusive = !own.some((other) => overlap(listener, other));
    try {
      const { fd } = openReceiver({ octets, port, receiveBufferBytes, exclusive });
      own.push(listener);
      return keep(fd);
    } catch (error) {
      throw explain(error, listener);
    }
  };
  const order = widestFirst(listeners);
  try {
    const sockets = Array.from({ length: settings.forwarders }, (_, index) => {
      const receive: number[] = [];
      for (const i of order) {
        receive[i] = inherited[index]?.receive[i] ?? openListener(listeners[i] as SocketAddress);
      }
      const { ownIpv4Senders = [], ownIpv6Senders = [] } = inherited[index] ?? {};
      return {
        receive,
        ipv4Senders: openSenders(4, settings, keep),
        ipv6Senders: openSenders(6, settings, keep),
        ownIpv4Senders: openOwnSenders(4, settings, ownIpv4Senders, keep),
        ownIpv6Senders: openOwnSenders(6, settings, ownIpv6Senders, keep),
        frameSenders: openFrameSenders(settings, keep),
      };
    });
    // Of each listener the socket of forwarder i was bound as number i.
    for (const fd of sockets[0]?.receive ?? []) steerReceivers(fd, settings.forwarders);
    return sockets;
  } catch (error) {
    for (const fd of opened) closeSync(fd);
    throw error instanceof FloxyError ? error : explain(error, listeners[0]);
  }
}

export function closeSockets(sockets: readonly ForwarderSockets[]): void {
  for (const of of sockets) {
    for (const fd of Object.values(of).flat()) closeSync(fd);
  }
}

export function warnOfSmallBuffer(
  sockets: readonly ForwarderSockets[],
  askedBytes: number,
  log: Logger,
): void {
  const granted = sockets.flatMap(({ receive }) => receive.map(describeSocket));
  const grantedBytes = Math.min(...granted.map((socket) => socket.receiveBufferBytes));
  // The kernel doubles what it is asked for, to make room for its own book-keeping (socket(7)).
  if (grantedBytes >= askedBytes * 2) return;
  const sysctl = `sysctl -w net.core.rmem_max=${askedBytes}`;
  const details = { asked: askedBytes, granted: Math.floor(grantedBytes / 2) };
  log.warn(details, `receive buffer smaller than asked for: ${sysctl}, then restart`);
}

type SenderSettings = Pick<SocketSettings, 'sends' | 'forwarders' | 'sendBufferBytes'>;

function openSenders(
  family: 4 | 6,
  { sends, forwarders, sendBufferBytes }: SenderSettings,
  keep: (fd: number) => number,
): readonly number[] {
  if (!sends) return [];
  const open = () => keep(openSender(family, sendBufferBytes));
  return openWhereThereIs(() => Array.from({ length: sendersFor(forwarders) }, open));
}

/** What a forwarder before had of them, as far as there is use for it. */
export function ownSendersOf(
  { descriptors }: { readonly descriptors: Descriptors },
  forwarders: number,
): Pick<InheritedSockets, 'ownIpv4Senders' | 'ownIpv6Senders'> {
  const count = ownSendersFor(forwarders);
  return {
    ownIpv4Senders: descriptorsOf(descriptors, 'own IPv4').slice(0, count),
    ownIpv6Senders: descriptorsOf(descriptors, 'own IPv6').slice(0, count),
  };
}

/** @param before what a forwarder before had */
function openOwnSenders(
  family: 4 | 6,
  { sends, forwarders, sendBufferBytes }: SenderSettings,
  before: readonly number[],
  keep: (fd: number) => number,
): readonly number[] {
  if (!sends) return [];
  const length = ownSendersFor(forwarders);
  const open = (i: number) => before[i] ?? keep(openOwnSender(family, sendBufferBytes));
  return openWhereThereIs(() => Array.from({ length }, (_, i) => open(i)));
}

/** One for each link by which frames leave. */
function openFrameSenders(
  { sends, forwarders, sendBufferBytes }: SenderSettings,
  keep: (fd: number) => number,
): readonly number[] {
  if (!sends) return [];
  const length = Math.min(LIMIT.LINKS, sendersFor(forwarders));
  return openWhereThereIs(() =>
    Array.from({ length }, () => keep(openFrameSender(sendBufferBytes))),
  );
}

/** @returns none where the host lacks the family */
function openWhereThereIs(open: () => readonly number[]): readonly number[] {
  try {
    return open();
  } catch (error) {
    if (error instanceof SystemCallError && error.code === 'EAFNOSUPPORT') return [];
    throw error;
  }
}

const ADVICE: Readonly<Record<string, string>> = {
  EADDRINUSE:
    'another program has the port: stop it, or set COLLECTOR_FLOXY_ADDRESS (floxy collect: listen)',
  EADDRNOTAVAIL: 'no interface has the address: add it, or set COLLECTOR_FLOXY_ADDRESS',
  EACCES: 'no permission: run as root, or with the capability CAP_NET_BIND_SERVICE',
  EPERM: 'no permission for raw sockets: run as root, or with the capability CAP_NET_RAW',
  EAFNOSUPPORT: 'the host has no IPv6: set COLLECTOR_FLOXY_ADDRESS to an IPv4 address',
  EMFILE: 'too many open files: raise the limit (ulimit -n)',
};

function explain(error: unknown, listener: SocketAddress | undefined): FloxyError {
  const address =
    listener === undefined ? '' : formatEndpoint(makeEndpoint(listener.octets, listener.port));
  const code = error instanceof SystemCallError ? error.code : '';
  const advice = ADVICE[code] ?? 'see the error';
  const message = `cannot receive on ${address}: ${messageOf(error)}: ${advice}`;
  return new FloxyError('DATA_PLANE', message, { cause: error });
}
