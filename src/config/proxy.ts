/** Settings of the proxy: receiving, forwarding, and the processes that do it. */

import { formatSourcePrefix, parseSourcePrefix } from '../model/source-prefix.ts';
import { choice, FOLDER, integer, parsed, secondsInMs } from './kinds.ts';
import { LISTENERS } from './listeners.ts';
import type { SettingGroup } from './setting.ts';
import type { System } from './system.ts';
import { DEFAULT_USER, FORWARDER_USER } from './user.ts';

const MAX_FORWARDERS = 256;
const SOCKET_BUFFER = integer(65_536, 1024 ** 3);
/** 1 MiB to 1 GiB. */
const RING_SIZES = Array.from({ length: 11 }, (_, i) => 2 ** (20 + i));

export const PROXY_SETTINGS = {
  listeners: {
    variable: 'COLLECTOR_FLOXY_ADDRESS',
    meaning:
      'where flow is received: up to 32 addresses and ports, with commas between them; `[::]:2055` takes IPv4 too; unset = the proxy is off',
    kind: LISTENERS,
    default: { text: 'unset', of: () => [] },
  },
  packetBufferBytes: {
    variable: 'COLLECTOR_FLOXY_PACKET_BUFFER_SIZE',
    meaning: 'largest payload taken whole, in bytes; larger ones are cut and counted',
    kind: integer(1496, 65_535),
    default: '1496',
  },
  forwarders: {
    variable: 'COLLECTOR_FLOXY_THREAD_COUNT',
    meaning: 'how many forwarders, each a process',
    kind: integer(1, MAX_FORWARDERS),
    default: {
      text: 'the cores available (affinity, cpuset, CPU quota)',
      of: (system: System) => Math.min(MAX_FORWARDERS, system.availableCores()),
    },
  },
  receiveBufferBytes: {
    variable: 'COLLECTOR_FLOXY_RECEIVE_BUFFER_BYTES',
    meaning: 'kernel receive buffer of each forwarder, in bytes',
    kind: SOCKET_BUFFER,
    default: '33554432',
  },
  sendBufferBytes: {
    variable: 'COLLECTOR_FLOXY_SEND_BUFFER_BYTES',
    meaning: 'kernel send buffer of each raw socket, in bytes',
    kind: SOCKET_BUFFER,
    default: '4194304',
  },
  sender: {
    variable: 'COLLECTOR_FLOXY_SENDER',
    meaning:
      'how copies leave: `link` as Ethernet frames, past output firewall, queueing disciplines and connection tracking; `raw` through raw sockets; `auto` as frames, but not past something on the way of output',
    kind: choice(['auto', 'link', 'raw']),
    default: 'auto',
  },
  engine: {
    variable: 'COLLECTOR_FLOXY_ENGINE',
    meaning:
      'what moves packets: `kernel` handles them in the kernel where it can, past firewalls of input and output, and the rest in forwarders; `socket` all in forwarders; `auto` in the kernel, but not past something on their way',
    kind: choice(['auto', 'kernel', 'socket']),
    default: 'auto',
  },
  ringBytes: {
    variable: 'COLLECTOR_FLOXY_RING_BYTES',
    meaning:
      'what the ring of each forwarder holds for pipelines, in bytes; memory is taken when there are pipelines',
    kind: parsed('a power of two from 1048576 to 1073741824', (text) =>
      RING_SIZES.find((bytes) => String(bytes) === text),
    ),
    default: '67108864',
  },
  ipv4SourcePrefix: {
    variable: 'COLLECTOR_FLOXY_IPV4_SOURCE_PREFIX',
    meaning: "what stands before an IPv4 exporter's address on its way to an IPv6 collector",
    kind: parsed(
      'an IPv6 prefix of 96 bits whose last 32 bits are zero, such as 64:ff9b::/96',
      parseSourcePrefix,
      formatSourcePrefix,
    ),
    default: '::ffff:0:0/96',
  },
  forwarderUser: {
    variable: 'COLLECTOR_FLOXY_USER',
    meaning:
      'whom forwarders run as when the service is started as root; floxy is a user of their own, with a free id unless /etc/passwd has one',
    kind: FORWARDER_USER,
    default: DEFAULT_USER,
  },
  drainSeconds: {
    variable: 'COLLECTOR_FLOXY_DRAIN_SECONDS',
    meaning:
      'SIGTERM drains first: health says NOT_SERVING, packets are forwarded until none comes any more, at most this long; 0 = it does not',
    kind: integer(0, 3600),
    default: '0',
  },
  probeIntervalMs: {
    variable: 'COLLECTOR_FLOXY_PROBE_INTERVAL_MS',
    meaning:
      'how often the proxy sends itself test datagrams, on which its health depends; 0 = never',
    kind: integer(0, 60_000),
    default: '500',
  },
  orphanLimitMs: {
    variable: 'COLLECTOR_FLOXY_ORPHAN_SECONDS',
    meaning:
      'how long forwarders go on when control has ended, until a new one takes over; 0 = they end with it',
    kind: secondsInMs(0, 3600),
    default: '10',
  },
  runtimeDirectory: {
    variable: 'COLLECTOR_FLOXY_RUNTIME_DIRECTORY',
    meaning: 'where a new control finds the forwarders',
    kind: FOLDER,
    default: { text: 'the folder of the database', of: () => undefined },
  },
} as const satisfies SettingGroup;
