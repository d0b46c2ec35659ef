/** What control and a forwarder tell each other. Packets and counters never pass here. */

import type { Tap } from '../../../native/packet-sender.ts';
import type { TableReference } from '../../engine.ts';
import type { DescriptorName } from '../descriptors.ts';

/** Given as JSON in the first argument. */
export interface ForwarderOptions {
  readonly index: number;
  readonly parentPid: number;
  /** Whom to become; undefined = stay who we are. */
  readonly user: { readonly uid: number; readonly gid: number } | undefined;
  readonly batch: number;
  readonly bufferBytes: number;
  readonly slotCount: number;
  /** 12 bytes. */
  readonly ipv4SourcePrefix: readonly number[];
  /** Names of the descriptors that it inherits, in order: see inheritedDescriptors(). */
  readonly descriptors: readonly DescriptorName[];
  /** Of the descriptor `kernel ring`, if there is one. */
  readonly kernelRingBytes: number;
  readonly table: TableReference;
  /** Packets that captures want. */
  readonly taps: readonly Tap[];
  /** How to go on when control ends; undefined = not at all. */
  readonly handover: HandoverOptions | undefined;
}

export interface HandoverOptions {
  /** How long to go on forwarding without control. */
  readonly limitMs: number;
  /** Who, besides root, may take the forwarder over. */
  readonly user: number;
}

/** `stop`: forward what waits in the receive buffer, then end. */
export type MessageToForwarder =
  /** Packets that captures want from now on. */
  | { readonly kind: 'taps'; readonly taps: readonly Tap[]; readonly version: number }
  | { readonly kind: 'table'; readonly table: TableReference }
  /** Count what the kernel has handled. */
  | { readonly kind: 'count'; readonly version: number }
  | { readonly kind: 'stop' };

/**
 * `applied`: all packets from now on are handled by this table. The first one says that the forwarder is ready.
 * `counted`: all that the kernel had handled when it was asked to.
 * `tapped`: of all packets from now on, those that captures want go to the ring `tap`.
 */
export type MessageFromForwarder =
  | { readonly kind: 'applied'; readonly generation: number }
  | { readonly kind: 'counted' | 'tapped'; readonly version: number };
