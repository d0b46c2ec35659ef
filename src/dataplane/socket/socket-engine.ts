import type { Logger } from 'pino';
import { messageOf } from '../../base/errors.ts';
import type { Config } from '../../config/config.ts';
import { formatSocketAddress, type SocketAddress } from '../../config/socket-address.ts';
import type { CaptureListener } from '../../model/capture.ts';
import type { Exporter, Rule } from '../../model/rules.ts';
import { sumCounters } from '../../model/statistics.ts';
import type { SubsystemStatus } from '../../model/status.ts';
import { capabilityMask } from '../../native/capabilities.ts';
import { COUNTER } from '../../native/layout.ts';
import type { Tap } from '../../native/packet-sender.ts';
import { canRestrictCalls, denyIoUring, restrictPrivileges } from '../../native/privileges.ts';
import { socketDrops } from '../../native/sockets.ts';
import type { Identities } from '../../table/identities.ts';
import type {
  EndedForwarders,
  ForwarderStatus,
  KernelEngineStatus,
  ListenerStatus,
} from '../../telemetry/status.ts';
import { PacketTaps } from '../capture/packet-taps.ts';
import type { Engine, SharedMemory, TableReference } from '../engine.ts';
import { type InputWay, KERNEL_RING_BYTES, KernelEngine } from '../kernel/kernel-engine.ts';
import type { CounterColumns } from '../memory/counter-columns.ts';
import { CounterMemory, SLOT_COUNT } from '../memory/counter-memory.ts';
import { type PacketRing, PacketRings } from '../memory/packet-rings.ts';
import { type Descriptors, nameDescriptors } from './descriptors.ts';
import { openEndedCounters } from './ended-counters.ts';
import { readForwarderCounters } from './forwarder-counters.ts';
import { forwarderSpec } from './forwarder-spec.ts';
import { KernelDrops } from './kernel-drops.ts';
import { PathProbes } from './path-probes.ts';
import { closeSockets, type ForwarderSockets, openSockets, warnOfSmallBuffer } from './sockets.ts';
import { Succession } from './succession.ts';
import { type ForwarderSpec, Supervisor } from './supervisor.ts';

/** Packets taken and handed on at once: enough to make system calls cheap, few to lose in a crash. */
const BATCH = 64;

const OPEN_RETRY_DELAYS_MS = [200, 500, 1000, 2000, 5000] as const;

/**
 * Capabilities (linux/capability.h) that control keeps once the sockets are open, where it has them: to end
 * forwarders, to let them become another user, to prefer them to other processes, and to write the database
 * whoever owns it, and to give workers of pipelines a folder of their own.
 */
const KEPT_CAPABILITIES = capabilityMask(
  'CHOWN',
  'DAC_OVERRIDE',
  'KILL',
  'SETGID',
  'SETUID',
  'SYS_NICE',
);

/** To make room in the kernel for tables that grow. */
const CAP_BPF = capabilityMask('BPF');

/** The settings of forwarders and their sockets. */
export type SocketEngineConfig = {
  /** Where flow is received; each forwarder has a socket for each. At least one. */
  readonly listeners: readonly SocketAddress[];
  /** Whether there are collectors to send to; pipelines need neither raw sockets nor the right to them. */
  readonly sends: boolean;
} & Pick<
  Config,
  | 'engine'
  | 'forwarders'
  | 'forwarderUser'
  | 'ipv4SourcePrefix'
  | 'orphanLimitMs'
  | 'packetBufferBytes'
  | 'probeIntervalMs'
  | 'receiveBufferBytes'
  | 'ringBytes'
  | 'runtimeDirectory'
  | 'sendBufferBytes'
>;

/** Moves packets in processes, one for each receiving socket. */
export class SocketEngine implements Engine {
  readonly #config: SocketEngineConfig;
  readonly #log: Logger;
  readonly #columns: CounterColumns;
  readonly #opened = Promise.withResolvers<void>();
  readonly #succession: Succession;
  #memory: SharedMemory | undefined;
  #counters: readonly CounterMemory[] = [];
  /** The sums of forwarders that are no more. */
  #ended: CounterMemory | undefined;
  readonly #rings = new PacketRings();
  #sockets: readonly ForwarderSockets[] = [];
  /** By forwarder, then by listener. */
  #drops: readonly (readonly KernelDrops[])[] = [];
  #supervisor: Supervisor | undefined;
  readonly #probes = new PathProbes();
  /** It handles packets before sockets get them, as far as it can. */
  readonly #kernel: KernelEngine;
  readonly #taps = new PacketTaps(
    (taps) => this.#setTaps(taps),
    (octets, port) => this.#probes.isFrom(octets, port),
  );
  #hasEnded = false;
  #openError: string | undefined;
  #openTimer: NodeJS.Timeout | undefined;

  /** @param input what packets would pass by in the kernel; undefined: that does not matter */
  constructor(
    config: SocketEngineConfig,
    columns: CounterColumns,
    log: Logger,
    input: InputWay | undefined = undefined,
  ) {
    this.#config = config;
    this.#kernel = new KernelEngine(config, input, log);
    this.#columns = columns;
    this.#log = log;
    this.#succession = new Succession(config, log);
  }

  get opened(): Promise<void> {
    return this.#opened.promise;
  }

  get probes(): readonly Rule[] {
    return [...this.#probes.rules, ...this.#kernel.probes];
  }

  /**
   * Takes over what an earlier control left, and opens the other sockets or keeps trying: status() says
   * what is in the way.
   */
  async start(memory: SharedMemory): Promise<Identities | undefined> {
    this.#memory = memory;
    await this.#succession.take();
    this.#counters = Array.from(
      { length: this.#config.forwarders },
      (_, i) => new CounterMemory(i, this.#succession.counters(i)),
    );
    this.#rings.open(this.#config, (index) => this.#succession.ring(index));
    this.#taps.open(this.#config.forwarders);
    this.#rings.addLeft(this.#succession.leftRings());
    this.#ended = openEndedCounters(this.#succession, this.#config, this.#log);
    for (const column of [...this.#counters, this.#ended]) this.#columns.add(column);
    this.#kernel.open(memory);
    await this.#open(0);
    return this.#succession.identities;
  }

  /** The first table starts the forwarders. */
  async publish(table: TableReference): Promise<void> {
    if (this.#supervisor === undefined) return;
    const supervisor = this.#supervisor;
    await this.#kernel.stage(table);
    await this.#succession.end(this.#ended);
    // It may have ended meanwhile.
    if (this.#hasEnded) return;
    await this.#kernel.putInForceBehind(() => supervisor.publish(table));
    // Where the table before says: others may count there from now on.
    if (this.#kernel.isOpen) await supervisor.countKernel();
    this.#kernel.switchOn();
    this.#probes.start();
  }

  leave(): void {
    this.#hasEnded = true;
    this.#stopTimers();
    this.#kernel.leave();
    this.#supervisor?.leave();
  }

  async stop(): Promise<void> {
    this.#hasEnded = true;
    this.#stopTimers();
    this.#kernel.stop();
    await this.#supervisor?.stop();
    this.#succession.close();
    for (const drops of this.#drops.flat()) drops.close();
    closeSockets(this.#sockets);
    this.#rings.close();
    this.#taps.close();
  }

  status(): SubsystemStatus {
    if (this.#openError !== undefined) return { state: 'Offline', error: this.#openError };
    const failure = this.#supervisor?.persistentFailure();
    if (failure !== undefined) return { state: 'Offline', error: `${failure}; see the log` };
    const error =
      this.#supervisor?.passingFailure() ?? this.#succession.failure() ?? this.#probes.failure();
    return error === undefined ? { state: 'OK' } : { state: 'Configuring', error };
  }

  forwarders(): readonly ForwarderStatus[] {
    return this.#counters.map((memory, index) => {
      const pid = this.#succession.pidOf(index);
      return {
        index,
        ...(pid === undefined ? {} : { pid }),
        ...(this.#supervisor?.processOf(index) ?? { restarts: 0 }),
        kernelDrops: sumDrops(this.#drops[index] ?? []),
        ...readForwarderCounters(memory),
      };
    });
  }

  /** Of all forwarders, and of those that are no more. */
  listeners(): readonly ListenerStatus[] {
    return this.#config.listeners.map((listener, i) => {
      const columns = [...this.#counters, ...(this.#ended === undefined ? [] : [this.#ended])];
      const counts = columns.map((column) => column.listeners.read(listener));
      const dropped = this.#drops.reduce((sum, drops) => sum + (drops[i]?.read() ?? 0n), 0n);
      return {
        address: formatSocketAddress(listener),
        received: sumCounters(counts.map(({ received }) => received)),
        kernelDrops: counts.reduce((sum, { kernelDrops }) => sum + kernelDrops, dropped),
      };
    });
  }

  kernelEngine(): KernelEngineStatus | undefined {
    return this.#config.engine === 'socket' ? undefined : this.#kernel.status();
  }

  rings(): readonly PacketRing[] {
    return this.#rings.all();
  }

  async capture(exporter: Partial<Exporter>, listener: CaptureListener): Promise<() => void> {
    return this.#taps.begin(exporter, listener);
  }

  endedForwarders(): EndedForwarders | undefined {
    if (this.#ended === undefined) return undefined;
    const kernelDrops = this.#ended.counter(COUNTER.KERNEL_DROPS);
    return {
      countedSince: new Date(Number(this.#ended.counter(COUNTER.COUNTED_SINCE))),
      counters: { kernelDrops, ...readForwarderCounters(this.#ended) },
    };
  }

  async #open(attempt: number): Promise<void> {
    // Another control may have had the sockets until now.
    if (attempt > 0) await this.#succession.takeLate();
    try {
      const inherited = this.#counters.map((_, index) => this.#succession.sockets(index));
      this.#sockets = openSockets(this.#config, inherited, this.#succession.bound());
      if (this.#ended !== undefined) await this.#succession.endSuperfluous(this.#ended);
    } catch (error) {
      const message = messageOf(error);
      if (message !== this.#openError) this.#log.error({ error: message }, 'proxy offline');
      this.#openError = message;
      const delayMs = OPEN_RETRY_DELAYS_MS[Math.min(attempt, OPEN_RETRY_DELAYS_MS.length - 1)];
      this.#openTimer = setTimeout(() => this.#openLater(attempt + 1), delayMs);
      return;
    }
    this.#openError = undefined;
    await this.#prepareForwarders();
    this.#opened.resolve();
  }

  #openLater(attempt: number): void {
    this.#open(attempt).catch((error: unknown) => {
      this.#openError = messageOf(error);
      this.#log.error({ error: this.#openError }, 'forwarders not started');
    });
  }

  async #setTaps(taps: readonly Tap[]): Promise<void> {
    // What is handled in the kernel is in no capture.
    this.#kernel.isHeld = taps.length > 0;
    await this.#supervisor?.setTaps(taps);
  }

  #stopTimers(): void {
    clearTimeout(this.#openTimer);
    this.#probes.stop();
  }

  async #prepareForwarders(): Promise<void> {
    this.#kernel.attach();
    restrictPrivileges(KEPT_CAPABILITIES | (this.#kernel.isOpen ? CAP_BPF : 0n));
    if (canRestrictCalls()) denyIoUring();
    else this.#log.warn('the kernel has no seccomp filters: forwarders may make any system call');
    warnOfSmallBuffer(this.#sockets, this.#config.receiveBufferBytes, this.#log);
    this.#drops = this.#sockets.map(({ receive }) =>
      receive.map((fd) => new KernelDrops(() => socketDrops(fd))),
    );
    const { listeners, probeIntervalMs: intervalMs, forwarders } = this.#config;
    const traffic = () => this.forwarders();
    await this.#probes.open({ listeners, intervalMs, forwarders, traffic, log: this.#log });
    await this.#kernel.openProbe();
    const specs = this.#sockets.map((sockets, index) => this.#spec(index, sockets));
    this.#supervisor = new Supervisor(specs, this.#log);
    await this.#setTaps(this.#taps.taps);
  }

  #spec(index: number, sockets: ForwarderSockets): ForwarderSpec {
    const counters = this.#counters[index] as CounterMemory;
    const handover = this.#succession.prepare(index);
    const ring = this.#rings.memory(index);
    const descriptors: Descriptors = {
      ...nameDescriptors('receive', sockets.receive),
      ...nameDescriptors('send IPv4', sockets.ipv4Senders),
      ...nameDescriptors('send IPv6', sockets.ipv6Senders),
      ...nameDescriptors('own IPv4', sockets.ownIpv4Senders),
      ...nameDescriptors('own IPv6', sockets.ownIpv6Senders),
      ...nameDescriptors('frames', sockets.frameSenders),
      counters: counters.fd,
      'ended counters': this.#ended?.fd,
      identities: this.#memory?.identities,
      'table 0': this.#memory?.tables[0],
      'table 1': this.#memory?.tables[1],
      paths: this.#memory?.paths,
      ring: ring?.ring,
      'ring readers': ring?.readers,
      tap: this.#taps.descriptor(index),
      handover: handover?.listener,
      ...this.#kernel.descriptors(index),
    };
    return forwarderSpec({
      options: {
        index,
        parentPid: process.pid,
        user: process.getuid?.() === 0 ? this.#config.forwarderUser : undefined,
        batch: BATCH,
        bufferBytes: this.#config.packetBufferBytes,
        slotCount: SLOT_COUNT,
        kernelRingBytes: KERNEL_RING_BYTES,
        ipv4SourcePrefix: [...this.#config.ipv4SourcePrefix],
        handover: handover?.options,
      },
      descriptors,
      formerRing: this.#succession.kernelRing(index),
      counters,
      taps: () => this.#taps.taps,
      started: (pid, names) => this.#succession.note(index, pid, names),
    });
  }
}

function sumDrops(sockets: readonly KernelDrops[]): bigint {
  return sockets.reduce((sum, drops) => sum + drops.read(), 0n);
}
