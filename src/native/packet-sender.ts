import { COLLECTOR, LEAVE } from '../table/layout.ts';
import { type Addon, addon, type SenderHandle } from './addon.ts';
import { checkAlignment, checkFd, checkInteger, UINT32_MAX } from './arguments.ts';
import { KernelConsumer, type KernelConsumerOptions } from './kernel-consumer.ts';
import { COPY, COUNTERS, LIMIT, SLOT, TAP, TAP_FLAG } from './layout.ts';
import { HEADER as NOTES } from './notes-layout.ts';
import type { PacketBatch } from './packet-batch.ts';
import { check, SystemCallError } from './system-call.ts';

export interface PacketSenderOptions {
  /**
   * Raw sockets of openSender(), at most 64 of each family. The copies to one address leave by one of them.
   * Where there is none, copies for that family fail with EAFNOSUPPORT.
   */
  readonly ipv4Fds: readonly number[];
  readonly ipv6Fds: readonly number[];
  /** UDP sockets of openOwnSender(): by them copies leave from an address of this host. */
  readonly ownIpv4Fds?: readonly number[];
  readonly ownIpv6Fds?: readonly number[];
  /** Packet sockets of openFrameSender(), at most LIMIT.LINKS: one for each link by which copies leave as frames. */
  readonly frameFds?: readonly number[];
  /** The path table (native/include/paths.h). Without it no copy leaves as a frame. */
  readonly paths?: ArrayBuffer | undefined;
  /** The 12 bytes before an IPv4 source on its way to an IPv6 collector (spec R6). */
  readonly mappedPrefix: Uint8Array;
  readonly batch: PacketBatch;
  /** struct pio_copy[]: room for as many as one send() may get. */
  readonly copies: ArrayBuffer;
  /** Starts with COUNTERS.SIZE of counters; holds the slots too. */
  readonly counters: ArrayBuffer;
  readonly slotsByteOffset: number;
  readonly slotCount: number;
  /** mapAll() of createRing(), writable: where pipelines find their packets. Without one they get none. */
  readonly ring?: ArrayBuffer | undefined;
  /** Where in `counters` notes are that are open (notes.ts). Without them nothing is noted. */
  readonly notesByteOffset?: number;
  /** mapAll() of a ring: where captures find their packets. Without one there are none. */
  readonly tap?: ArrayBuffer | undefined;
}

/** Which packets a capture wants. */
export interface Tap {
  /** The bit of its packets in the ring: 0 to LIMIT.TAPS - 1. */
  readonly index: number;
  /** 16 bytes, IPv4 as ::ffff:a.b.c.d; undefined = of all exporters. */
  readonly source: readonly number[] | undefined;
  /** How many of its last bits are not looked at: those of a network. */
  readonly hostBits: number;
  /** 0 = of any. */
  readonly sourcePort: number;
  /** To which they came; 0 = to any. */
  readonly listenPort: number;
}

const NO_LEAVES = { byteOffset: 0, count: 0 };

/** Sends copies of the packets of a batch (native/include/pio.h). Ends with its process. */
export class PacketSender {
  readonly #addon: Addon;
  readonly #handle: SenderHandle;

  /** @throws RangeError for options out of range, SystemCallError when there is no memory */
  constructor(options: PacketSenderOptions) {
    checkOptions(options);
    const { batch } = options;
    this.#addon = addon();
    const handle = this.#addon.senderCreate(
      Int32Array.from(options.ipv4Fds),
      Int32Array.from(options.ipv6Fds),
      options.mappedPrefix,
      batch.size,
      batch.payloadBytes,
      batch.payloadStride,
      batch.packets,
      batch.payloads,
      options.copies,
      Math.floor(options.copies.byteLength / COPY.SIZE),
      options.counters,
      options.slotsByteOffset,
      options.slotCount,
      options.ring,
      options.notesByteOffset ?? 0,
      options.tap,
      Int32Array.from(options.ownIpv4Fds ?? []),
      Int32Array.from(options.ownIpv6Fds ?? []),
      Int32Array.from(options.frameFds ?? []),
      options.paths,
    );
    if (typeof handle === 'number') throw new SystemCallError('PacketSender', -handle);
    this.#handle = handle;
  }

  /** For what else counts as this sender does (kernel-consumer.ts). */
  get handle(): SenderHandle {
    return this.#handle;
  }

  /** Counts packets[0..packets) at their input slots and sends copies[0..copies). Arguments are not checked. */
  send(packets: number, copies: number): void {
    this.#addon.send(this.#handle, packets, copies);
  }

  /** What counts what the program in the kernel has handled, where this counts. @throws SystemCallError */
  countKernel(options: Omit<KernelConsumerOptions, 'sender'>): KernelConsumer {
    return new KernelConsumer({ ...options, sender: this.#handle });
  }

  /** Packets that are wanted from now on. @throws SystemCallError EINVAL when something is out of range */
  setTaps(taps: readonly Tap[]): void {
    const bytes = new Uint8Array(taps.length * TAP.SIZE);
    const halves = new Uint16Array(bytes.buffer);
    const words = new Uint32Array(bytes.buffer);
    for (const [i, { index, source, hostBits, sourcePort, listenPort }] of taps.entries()) {
      const at = i * TAP.SIZE;
      bytes.set(source ?? [], at + TAP.SOURCE * 4);
      halves[(at + TAP.SOURCE_PORT_BYTE) / 2] = sourcePort;
      halves[(at + TAP.INDEX_BYTE) / 2] = index;
      halves[(at + TAP.LISTEN_PORT_BYTE) / 2] = listenPort;
      halves[(at + TAP.HOST_BITS_BYTE) / 2] = hostBits;
      words[at / 4 + TAP.FLAGS] = source === undefined ? TAP_FLAG.ALL : 0;
    }
    check('setTaps', this.#addon.setTaps(this.#handle, bytes));
  }

  /** Gives captures those of packets[0..packets) that are wanted: right after they were received. */
  tap(packets: number): void {
    this.#addon.tap(this.#handle, packets);
  }

  /**
   * The collectors that copies name from now on: `count` structs table_collector in the buffer, and how copies to them
   * leave: structs table_leave.
   */
  setCollectors(
    buffer: ArrayBuffer,
    byteOffset: number,
    count: number,
    leaves: { readonly byteOffset: number; readonly count: number } = NO_LEAVES,
  ): void {
    checkInteger('byteOffset', byteOffset, 0, buffer.byteLength);
    checkAlignment('byteOffset', byteOffset, 4);
    checkInteger('count', count, 0, Math.floor((buffer.byteLength - byteOffset) / COLLECTOR.SIZE));
    checkInteger('leaves.byteOffset', leaves.byteOffset, 0, buffer.byteLength);
    checkAlignment('leaves.byteOffset', leaves.byteOffset, 4);
    const room = Math.floor((buffer.byteLength - leaves.byteOffset) / LEAVE.SIZE);
    checkInteger('leaves.count', leaves.count, 0, room);
    const { byteOffset: leavesAt, count: leaveCount } = leaves;
    this.#addon.setCollectors(this.#handle, buffer, byteOffset, count, leavesAt, leaveCount);
  }
}

function checkOptions(options: PacketSenderOptions): void {
  const { ipv4Fds, ipv6Fds, copies, counters, slotsByteOffset, slotCount, mappedPrefix } = options;
  const { ownIpv4Fds = [], ownIpv6Fds = [], frameFds = [] } = options;
  checkInteger('number of packet sockets', frameFds.length, 0, LIMIT.LINKS);
  for (const fd of frameFds) checkFd(fd);
  for (const fds of [ipv4Fds, ipv6Fds, ownIpv4Fds, ownIpv6Fds]) {
    checkInteger('number of sockets', fds.length, 0, LIMIT.SOCKETS);
    for (const fd of fds) checkFd(fd);
  }
  const prefixBytes = LIMIT.MAPPED_PREFIX;
  checkInteger('bytes of mappedPrefix', mappedPrefix.length, prefixBytes, prefixBytes);
  checkInteger('bytes of copies', copies.byteLength, 0, UINT32_MAX);
  checkInteger('slotCount', slotCount, 0, UINT32_MAX);
  checkAlignment('slotsByteOffset', slotsByteOffset, 8);
  const slotsEnd = slotsByteOffset + slotCount * SLOT.SIZE;
  checkInteger('slotsByteOffset', slotsByteOffset, COUNTERS.SIZE, slotsEnd);
  checkInteger('bytes of counters', counters.byteLength, slotsEnd, Number.MAX_SAFE_INTEGER);
  const { notesByteOffset } = options;
  if (notesByteOffset === undefined) return;
  checkAlignment('notesByteOffset', notesByteOffset, 8);
  checkInteger('notesByteOffset', notesByteOffset, slotsEnd, counters.byteLength - NOTES.SIZE);
}
