import type { CaptureListener } from '../model/capture.ts';
import type { Endpoint } from '../model/endpoint.ts';
import type { Exporter, Rule } from '../model/rules.ts';
import type { SubsystemStatus } from '../model/status.ts';
import type { Identities } from '../table/identities.ts';
import type {
  EndedForwarders,
  ForwarderStatus,
  KernelEngineStatus,
  ListenerStatus,
} from '../telemetry/status.ts';

import type { PacketRing } from './memory/packet-rings.ts';

/** Which table is in force: a part of one of two memory files, which take turns. */
export interface TableReference {
  /** Grows by one with each table. */
  readonly generation: number;
  /** Index of the memory file. */
  readonly file: 0 | 1;
  readonly bytes: number;
  /** States of its outputs are below this; absent: none has any. */
  readonly states?: number;
}

/** Descriptors of memory that control writes; for reading. */
export interface SharedMemory {
  /** The two files that tables are in. */
  readonly tables: readonly [number, number];
  /** What counts where (table/identities.ts), for the next control. */
  readonly identities: number;
  /** By which links, and to which neighbours, copies leave (native/include/paths.h); undefined: not known. */
  readonly paths: number | undefined;
  /** What is written of the paths is written to this memory too, from now on. */
  copyPaths(memory: ArrayBuffer): void;
  /** Copies to this socket of this host, at an IPv6 address, have a path from now on, by loopback: before tables name it. Once. */
  leadBack(endpoint: Endpoint): void;
}

/** Moves packets by tables, one after the other, and counts in columns of its own (CounterColumns). */
export interface Engine {
  /**
   * Takes over what an earlier control left, and begins to open what it needs.
   *
   * @returns what the packets that are moved meanwhile count where; undefined when none are
   */
  start(memory: SharedMemory): Promise<Identities | undefined>;
  /** Resolves when packets can be moved: before, publish() moves none. Never rejects. */
  readonly opened: Promise<void>;
  /** Rules for its own test datagrams, which are to be part of each table; the same ones once it has opened. */
  readonly probes: readonly Rule[];
  /** Resolves when every packet taken from then on is handled by this table. One after the other. */
  publish(table: TableReference): Promise<void>;
  /** What is in the way of moving packets; OK says nothing of whether a table was published. */
  status(): SubsystemStatus;
  forwarders(): readonly ForwarderStatus[];
  listeners(): readonly ListenerStatus[];
  /** What is handled before it comes to sockets; undefined where that is not wanted. */
  kernelEngine(): KernelEngineStatus | undefined;
  /** Where pipelines find the packets that they get; the same ones from start() on. */
  rings(): readonly PacketRing[];
  /** See PacketCapture (model/capture.ts). What starts later, or anew, captures as well. */
  capture(exporter: Partial<Exporter>, listener: CaptureListener): Promise<() => void>;
  /** Undefined before it has started. */
  endedForwarders(): EndedForwarders | undefined;
  /** Ends control of what moves packets and leaves it to the next control. */
  leave(): void;
  /** Moves what has arrived, then ends. */
  stop(): Promise<void>;
}
