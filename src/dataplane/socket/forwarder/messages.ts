/** What control and a forwarder tell each other. Packets and counters never pass here. */
import type { TableReference } from '../../engine.ts';

/** Descriptors a forwarder finds open, by number. */
export const FORWARDER_FD = {
  RECEIVE: 4,
  COUNTERS: 5,
  /** The two table files take turns. */
  TABLES: [6, 7],
  /** Where a successor of control can ask for all of these. */
  HANDOVER: 8,
  /** The first raw socket; those for IPv4 come before those for IPv6. */
  SENDERS: 9,
} as const;

/** Given as JSON in the first argument. */
export interface ForwarderOptions {
  readonly index: number;
  readonly parentPid: number;
  /** Whom to become; undefined = stay who we are. */
  readonly user: { readonly uid: number; readonly gid: number } | undefined;
  readonly batch: number;
  readonly bufferBytes: number;
  readonly slotCount: number;
  /** How many raw sockets there are of each family; none where the host lacks it. */
  readonly ipv4Senders: number;
  readonly ipv6Senders: number;
  /** 12 bytes. */
  readonly ipv4SourcePrefix: readonly number[];
  readonly table: TableReference;
  /** How to go on when control ends; undefined = not at all. */
  readonly handover: HandoverOptions | undefined;
}

/** The raw sockets of a forwarder. */
export function senderFds({ ipv4Senders, ipv6Senders }: ForwarderOptions): {
  readonly ipv4Fds: readonly number[];
  readonly ipv6Fds: readonly number[];
} {
  const first = FORWARDER_FD.SENDERS;
  return {
    ipv4Fds: Array.from({ length: ipv4Senders }, (_, i) => first + i),
    ipv6Fds: Array.from({ length: ipv6Senders }, (_, i) => first + ipv4Senders + i),
  };
}

export interface HandoverOptions {
  /** How long to go on forwarding without control. */
  readonly limitMs: number;
  /** Who, besides root, may take the forwarder over. */
  readonly user: number;
  /** See HandoverState. */
  readonly listen: string;
  readonly receiveBufferBytes: number;
}

/** `stop`: forward what waits in the receive buffer, then end. */
export type MessageToForwarder =
  | { readonly kind: 'table'; readonly table: TableReference }
  | { readonly kind: 'stop' };

/** All packets from now on are handled by this table. The first one says that the forwarder is ready. */
export interface MessageFromForwarder {
  readonly kind: 'applied';
  readonly generation: number;
}
