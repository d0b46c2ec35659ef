import type { WatchedCollector } from './collector-health.ts';
import type { Endpoint } from './endpoint.ts';
import type { Counters } from './statistics.ts';
import type { ErrnoCount } from './status.ts';

/** Copies to one collector that could not be sent for one reason, or came back (spec R25). */
export interface SendLoss {
  /** Where they were to go, with the port on the wire. */
  readonly collector: Endpoint;
  /** Symbolic name of the errno, such as `ENETUNREACH`. */
  readonly code: string;
  /** Since counters began (spec S25). */
  readonly copies: bigint;
  /** Of the last one; to the second. */
  readonly at: Date;
  /** Not known of copies that came back. */
  readonly exporter?: Endpoint;
}

/**
 * Whether the kernel has a way to an address (spec S26): `none` is no route; the next three are routes that refuse it
 * (`ip route add unreachable|blackhole|prohibit`); `unknown`: not looked at yet, or the kernel did not say.
 */
export type RouteState = 'unknown' | 'ok' | 'none' | 'unreachable' | 'blackhole' | 'prohibit';

/**
 * Whether the next machine on the way answers (neighbour states of arp(7), `ip neighbour`). `none`: nobody has asked
 * it yet; `unneeded`: a network without neighbours, such as loopback or a tunnel; `unknown`: not looked at yet, or
 * there is no route.
 */
export type NeighbourState =
  | 'unknown'
  | 'none'
  | 'unneeded'
  | 'incomplete'
  | 'reachable'
  | 'stale'
  | 'delay'
  | 'probe'
  | 'failed'
  | 'permanent';

/** As whole frames to the next machine, past what the kernel does with output; or through its raw sockets. */
export type CopySender = 'frames' | 'kernel';

/** How copies get to a collector, as the kernel knew it at the last look. */
export interface Way {
  readonly route: RouteState;
  readonly neighbour: NeighbourState;
  /** The network interface by which they leave; absent without a route. */
  readonly device?: string;
  /** Address of the next router; absent when the collector is on a network of this host. */
  readonly via?: string;
  /** Largest IP packet that is not sent in fragments: that of the route, else of the interface; in bytes. */
  readonly mtu?: number;
  /** The address of this host that its own packets there have. */
  readonly source?: string;
  /** How copies leave; absent: not known. */
  readonly sender?: CopySender;
  /** Why they do not leave as frames, in words. */
  readonly senderReason?: string;
}

/** One collector, address and port, over all rules that name it (spec S23). */
export interface CollectorStatus extends Way {
  /** A collector without port has that on which the proxy receives (spec R5). */
  readonly endpoint: Endpoint;
  /** Of the first output that says one. */
  readonly description?: string;
  /** How many outputs name it, default outputs included; 0: only losses of earlier rules are left. */
  readonly outputs: number;
  /** Copies that the kernel accepted, of the rules in force. */
  readonly sent: Counters;
  /** Copies that could not be sent, by errno, most first. */
  readonly errors: readonly ErrnoCount[];
  /** The last of those. */
  readonly lastError?: SendLoss;
  /** The worst that checks say of it; absent when rules do not have it watched (spec H5). */
  readonly health?: WatchedCollector;
  /** What is wrong with it and what to do, for people; absent when nothing is known to be. */
  readonly problem?: string;
}
