import { closeSync } from 'node:fs';
import { FloxyError, messageOf } from '../../base/errors.ts';
import { formatEndpoint, makeEndpoint } from '../../model/endpoint.ts';
import { openReceiver, openSender, SystemCallError } from '../../native/packet-io.ts';
import type { SocketEngineConfig } from './socket-engine.ts';

/** The sockets of one forwarder, opened by control and inherited. */
export interface ForwarderSockets {
  readonly receive: number;
  /** Undefined where the host lacks the family. */
  readonly sendIpv4: number | undefined;
  readonly sendIpv6: number | undefined;
}

export type SocketSettings = Pick<
  SocketEngineConfig,
  'listen' | 'forwarders' | 'receiveBufferBytes' | 'sendBufferBytes'
>;

/** Sockets that a forwarder before had. */
export interface InheritedSockets extends ForwarderSockets {
  readonly receiveBufferBytes: number;
}

export interface OpenedSockets {
  readonly forwarders: readonly ForwarderSockets[];
  /** What the kernel granted of the receive buffer asked for, in bytes as it counts them. */
  readonly receiveBufferBytes: number;
}

/**
 * Opens every socket of the proxy, or none.
 *
 * @param inherited sockets of forwarders before, by index: they are kept as they are
 * @throws FloxyError DATA_PLANE that says what an operator can do
 */
export function openSockets(
  { listen, ...config }: SocketSettings,
  inherited: readonly (InheritedSockets | undefined)[],
): OpenedSockets {
  const opened: number[] = [];
  const keep = (fd: number) => {
    opened.push(fd);
    return fd;
  };
  try {
    let receiveBufferBytes = 0;
    const isFirst = inherited.every((sockets) => sockets === undefined);
    const forwarders = Array.from({ length: config.forwarders }, (_, index) => {
      const before = inherited[index];
      if (before !== undefined) {
        receiveBufferBytes = before.receiveBufferBytes;
        return before;
      }
      const receiver = openReceiver({
        octets: listen.octets,
        port: listen.port,
        receiveBufferBytes: config.receiveBufferBytes,
        exclusive: isFirst && index === 0,
      });
      receiveBufferBytes = receiver.receiveBufferBytes;
      return {
        receive: keep(receiver.fd),
        sendIpv4: openSenderIfSupported(4, config.sendBufferBytes, keep),
        sendIpv6: openSenderIfSupported(6, config.sendBufferBytes, keep),
      };
    });
    return { forwarders, receiveBufferBytes };
  } catch (error) {
    for (const fd of opened) closeSync(fd);
    throw explain(error, formatEndpoint(makeEndpoint(listen.octets, listen.port)));
  }
}

export function closeSockets({ forwarders }: OpenedSockets): void {
  for (const { receive, sendIpv4, sendIpv6 } of forwarders) {
    for (const fd of [receive, sendIpv4, sendIpv6]) if (fd !== undefined) closeSync(fd);
  }
}

function openSenderIfSupported(
  family: 4 | 6,
  sendBufferBytes: number,
  keep: (fd: number) => number,
): number | undefined {
  try {
    return keep(openSender(family, sendBufferBytes));
  } catch (error) {
    if (error instanceof SystemCallError && error.code === 'EAFNOSUPPORT') return undefined;
    throw error;
  }
}

const ADVICE: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program has the port: stop it, or set COLLECTOR_FLOXY_ADDRESS',
  EADDRNOTAVAIL: 'no interface has the address: add it, or set COLLECTOR_FLOXY_ADDRESS',
  EACCES: 'no permission: run as root, or with the capability CAP_NET_BIND_SERVICE',
  EPERM: 'no permission for raw sockets: run as root, or with the capability CAP_NET_RAW',
  EAFNOSUPPORT: 'the host has no IPv6: set COLLECTOR_FLOXY_ADDRESS to an IPv4 address',
  EMFILE: 'too many open files: raise the limit (ulimit -n)',
};

function explain(error: unknown, address: string): FloxyError {
  const code = error instanceof SystemCallError ? error.code : '';
  const advice = ADVICE[code] ?? 'see the error';
  const message = `cannot receive on ${address}: ${messageOf(error)}: ${advice}`;
  return new FloxyError('DATA_PLANE', message, { cause: error });
}
