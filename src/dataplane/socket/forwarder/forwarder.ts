import { MAX_OUTPUTS_PER_RULE } from '../../../model/limits.ts';
import { describeSocket } from '../../../native/inherited.ts';
import { COPY, COUNTER, COUNTERS } from '../../../native/layout.ts';
import { mapMemory, unmapMemory } from '../../../native/memory.ts';
import { Notes } from '../../../native/notes.ts';
import { PacketBatch } from '../../../native/packet-batch.ts';
import { PacketReceiver } from '../../../native/packet-receiver.ts';
import { PacketSender, type Tap } from '../../../native/packet-sender.ts';
import { PATH, PATHS } from '../../../native/paths-layout.ts';
import { mapAll } from '../../../native/ring-memory.ts';
import { ForwardingTable } from '../../../table/forwarding-table.ts';
import { STATE } from '../../../table/layout.ts';
import type { TableReference } from '../../engine.ts';
import { COUNTER_MEMORY, STATE_COUNT } from '../../memory/counter-memory.ts';
import { ListenerCounters } from '../../memory/listener-counters.ts';
import { type Descriptors, descriptorsOf, requireDescriptor } from '../descriptors.ts';
import { forwardBatches } from './batch-loop.ts';
import { countAll, KernelWork } from './kernel-work.ts';
import type { ForwarderOptions } from './messages.ts';
import { feedsOnlyPipelines, restMs } from './rest.ts';
import { Router } from './router.ts';

const HEARTBEAT_INTERVAL_MS = 250;

/** How often it looks at what was handled in the kernel: its ring holds what comes in many times as long. */
const KERNEL_INTERVAL_MS = 10;
/** And when nothing has come by so many looks: to look costs a tenth of a millisecond. */
const QUIET_INTERVAL_MS = 100;
const QUIET_LOOKS = 3;

/** Moves packets: takes batches from its receivers, has them routed, hands the copies to the sender. */
export class Forwarder {
  readonly #descriptors: Descriptors;
  readonly #batch: number;
  readonly #receivers: readonly PacketReceiver[];
  readonly #sender: PacketSender;
  readonly #router: Router;
  readonly #counters: BigUint64Array;
  #table: TableReference;
  #tableMemory: ArrayBuffer;
  #heartbeat: NodeJS.Timeout | undefined;
  /** Undefined: nothing is handled in the kernel. */
  readonly #kernel: KernelWork | undefined;
  #kernelTimer: NodeJS.Timeout | undefined;
  #quietLooks = 0;
  #receivedBefore = 0n;
  /** How long receivers may be left alone after packets. */
  readonly #possibleRestMs: number;
  #restMs = 0;
  #hasTaps = false;
  /** Since the last turn of a receiver began. */
  #packetsTaken = 0;

  constructor(options: ForwarderOptions, descriptors: Descriptors) {
    const counters = mapMemory(
      requireDescriptor(descriptors, 'counters'),
      COUNTER_MEMORY.SIZE,
      true,
    );
    new Notes(counters, COUNTER_MEMORY.NOTES).open();
    const batch = new PacketBatch(options.batch, options.bufferBytes);
    const copies = new ArrayBuffer(options.batch * MAX_OUTPUTS_PER_RULE * COPY.SIZE);
    this.#descriptors = descriptors;
    this.#batch = options.batch;
    this.#counters = new BigUint64Array(counters, 0, COUNTERS.SIZE / 8);
    const takesGroup = options.index === 0;
    const receiveFds = descriptorsOf(descriptors, 'receive');
    const buffers = receiveFds.map((fd) => describeSocket(fd).receiveBufferBytes);
    this.#possibleRestMs = Math.min(...buffers.map(restMs));
    const listeners = new ListenerCounters(this.#counters).keep(receiveFds.map(describeSocket));
    this.#receivers = receiveFds.map((fd, i) => {
      const listener = listeners[i] ?? 0;
      return new PacketReceiver({ fd, takesGroup, listener, batch, counters });
    });
    this.#sender = new PacketSender({
      ipv4Fds: descriptorsOf(descriptors, 'send IPv4'),
      ipv6Fds: descriptorsOf(descriptors, 'send IPv6'),
      ownIpv4Fds: descriptorsOf(descriptors, 'own IPv4'),
      ownIpv6Fds: descriptorsOf(descriptors, 'own IPv6'),
      frameFds: descriptorsOf(descriptors, 'frames'),
      paths: mapPaths(descriptors.paths),
      mappedPrefix: Uint8Array.from(options.ipv4SourcePrefix),
      batch,
      copies,
      counters,
      slotsByteOffset: COUNTER_MEMORY.SLOTS,
      slotCount: options.slotCount,
      ring: mapAll(requireDescriptor(descriptors, 'ring'), true),
      notesByteOffset: COUNTER_MEMORY.NOTES,
      tap: mapAll(requireDescriptor(descriptors, 'tap'), true),
    });
    this.#kernel = this.#openKernel(options, counters, listeners);
    this.#table = options.table;
    this.#tableMemory = this.#mapTable(options.table);
    const table = new ForwardingTable(this.#tableMemory);
    this.#router = new Router(
      {
        packets: new Int32Array(batch.packets),
        copies: new Int32Array(copies),
        states: new Int32Array(counters, COUNTER_MEMORY.STATES, STATE_COUNT * STATE.WORDS),
        leftOut: new Int32Array(counters, COUNTER_MEMORY.LEFT_OUT),
        payloads: new Uint8Array(batch.payloads),
        payloadStride: batch.payloadStride,
      },
      table,
    );
    this.#useTable(table);
  }

  start(): void {
    this.#heartbeat = setInterval(() => this.#beat(), HEARTBEAT_INTERVAL_MS);
    for (const receiver of this.#receivers) receiver.startPolling(() => this.#takeTurn(receiver));
    if (this.#kernel !== undefined) this.#takeKernelTurn(this.#kernel);
  }

  /** Every packet taken from now on is handled by this table. */
  setTable(reference: TableReference): void {
    const old = this.#tableMemory;
    this.#table = reference;
    this.#tableMemory = this.#mapTable(reference);
    const table = new ForwardingTable(this.#tableMemory);
    this.#router.setTable(table);
    this.#useTable(table);
    unmapMemory(old);
  }

  /** Counts what the kernel has handled so far. */
  countKernel(): void {
    this.#kernel?.countAll();
  }

  /** Packets that captures want from now on. */
  setTaps(taps: readonly Tap[]): void {
    this.#sender.setTaps(taps);
    this.#hasTaps = taps.length > 0;
  }

  /** The table in force. */
  get table(): TableReference {
    return this.#table;
  }

  /** Stops after what waits in the receive buffer is forwarded, or after the time given. */
  stop(drainMs: number): void {
    const deadline = performance.now() + drainMs;
    while (this.#forwardWaiting() && performance.now() < deadline) this.#beat();
    for (const receiver of this.#receivers) receiver.stopPolling();
    clearInterval(this.#heartbeat);
    clearTimeout(this.#kernelTimer);
    this.#kernel?.end();
  }

  /** Nobody goes on with what the kernel has handled. */
  endKernel(): void {
    this.#kernel?.end();
  }

  #openKernel(
    { index, kernelRingBytes: ringBytes }: ForwarderOptions,
    counters: ArrayBuffer,
    listeners: readonly number[],
  ): KernelWork | undefined {
    const { 'kernel ring': ring, 'kernel settings': settings } = this.#descriptors;
    const consumerOf = (ringFd: number) =>
      this.#sender.countKernel({
        ringFd,
        ringBytes,
        counters,
        journalByteOffset: COUNTER_MEMORY.JOURNAL,
        leftOutByteOffset: COUNTER_MEMORY.LEFT_OUT,
        leftOutCount: STATE_COUNT,
        listenerRows: Uint8Array.from(listeners),
      });
    // The journal is of this one, until it is empty.
    const former = this.#descriptors['former kernel ring'];
    if (former !== undefined) countAll(consumerOf(former));
    if (ring === undefined || settings === undefined) return undefined;
    return new KernelWork(consumerOf(ring), settings, index);
  }

  #takeKernelTurn(kernel: KernelWork): void {
    const nowNs = process.hrtime.bigint();
    if (!this.#forwardWaiting()) kernel.foundEmpty(nowNs);
    kernel.count();
    const received = this.#counters[COUNTER.RECEIVED_PACKETS] ?? 0n;
    this.#quietLooks = received === this.#receivedBefore ? this.#quietLooks + 1 : 0;
    this.#receivedBefore = received;
    const intervalMs = this.#quietLooks < QUIET_LOOKS ? KERNEL_INTERVAL_MS : QUIET_INTERVAL_MS;
    this.#kernelTimer = setTimeout(() => this.#takeKernelTurn(kernel), intervalMs);
  }

  /** @returns whether packets may be waiting at any receiver */
  #forwardWaiting(): boolean {
    return this.#receivers.map((receiver) => this.#forwardBatches(receiver)).includes(true);
  }

  /** @returns for how many milliseconds the receiver may be left alone */
  #takeTurn(receiver: PacketReceiver): number {
    this.#packetsTaken = 0;
    const mayHaveMore = this.#forwardBatches(receiver);
    return mayHaveMore || this.#packetsTaken === 0 ? 0 : this.#restMs;
  }

  /** @returns whether packets may be waiting at the receiver */
  #forwardBatches(receiver: PacketReceiver): boolean {
    return forwardBatches(this.#batch, () => this.#forwardBatch(receiver));
  }

  /** @returns how many packets it had, or a negative errno */
  #forwardBatch(receiver: PacketReceiver): number {
    const packets = receiver.receive();
    if (packets <= 0) return packets;
    this.#packetsTaken += packets;
    if (this.#hasTaps) this.#sender.tap(packets);
    const copies = this.#router.route(packets);
    this.#sender.send(packets, copies);
    this.#countRouted();
    return packets;
  }

  #useTable(table: ForwardingTable): void {
    this.#restMs = feedsOnlyPipelines(table) ? this.#possibleRestMs : 0;
    const { collectorsAtBytes, collectorCount, leavesAtBytes, leaveCount } = table;
    const leaves = { byteOffset: leavesAtBytes, count: leaveCount };
    this.#sender.setCollectors(this.#tableMemory, collectorsAtBytes, collectorCount, leaves);
  }

  /** What got no copy, by its reason. */
  #countRouted(): void {
    const { droppedByRule, noEligibleCollector, hopLimitExceeded } = this.#router;
    if (droppedByRule > 0) this.#count(COUNTER.DROPPED_BY_RULE, droppedByRule);
    if (noEligibleCollector > 0) this.#count(COUNTER.NO_ELIGIBLE_COLLECTOR, noEligibleCollector);
    if (hopLimitExceeded > 0) this.#count(COUNTER.HOP_LIMIT_EXCEEDED, hopLimitExceeded);
  }

  #beat(): void {
    this.#count(COUNTER.HEARTBEAT, 1);
  }

  #count(counter: number, by: number): void {
    this.#counters[counter] = (this.#counters[counter] ?? 0n) + BigInt(by);
  }

  #mapTable({ file, bytes }: TableReference): ArrayBuffer {
    return mapMemory(requireDescriptor(this.#descriptors, `table ${file}`), bytes, false);
  }
}

/** Where copies leave by as whole frames; undefined: nobody keeps it. */
function mapPaths(fd: number | undefined): ArrayBuffer | undefined {
  return fd === undefined ? undefined : mapMemory(fd, PATHS.MAX * PATH.SIZE, false);
}
