import type { Logger } from 'pino';
import { messageOf } from '../../base/errors.ts';
import type { Config, SocketAddress } from '../../config/config.ts';
import type { Rule } from '../../model/rules.ts';
import type { SubsystemStatus } from '../../model/status.ts';
import { COUNTER } from '../../native/layout.ts';
import { restrictPrivileges } from '../../native/privileges.ts';
import type { Identities } from '../../table/identities.ts';
import type { ForwarderStatus } from '../../telemetry/status.ts';
import type { Engine, TableFds, TableReference } from '../engine.ts';
import { readForwarderCounters } from '../forwarder-counters.ts';
import type { CounterColumns } from '../memory/counter-columns.ts';
import { CounterMemory, SLOT_COUNT } from '../memory/counter-memory.ts';
import { PathProbe } from '../path-probe.ts';
import type { ForwarderOptions } from './forwarder/messages.ts';
import { ForwarderProcess } from './forwarder-process.ts';
import { KernelDrops } from './kernel-drops.ts';
import { closeSockets, type InheritedSockets, type OpenedSockets, openSockets } from './sockets.ts';
import { Succession } from './succession.ts';
import { type ForwarderSpec, Supervisor } from './supervisor.ts';

/** Packets taken and handed on at once: enough to make system calls cheap, few to lose in a crash. */
const BATCH = 64;

const NO_PROBE =
  'no test datagrams can be sent, so health does not depend on them: is loopback down (`ip link set lo up`, then restart)?';

const OPEN_RETRY_DELAYS_MS = [200, 500, 1000, 2000, 5000] as const;

/**
 * Capabilities (linux/capability.h) that control keeps once the sockets are open, where it has them: to end
 * forwarders, to let them become another user, to prefer them to other processes, and to write the database
 * whoever owns it.
 */
// DAC_OVERRIDE, KILL, SETGID, SETUID, SYS_NICE
const KEPT_CAPABILITIES = (1n << 1n) | (1n << 5n) | (1n << 6n) | (1n << 7n) | (1n << 23n);

const NO_PROCESS = { pid: undefined, restarts: 0 };

/** The settings of forwarders and their sockets. */
export type SocketEngineConfig = { readonly listen: SocketAddress } & Pick<
  Config,
  | 'forwarders'
  | 'forwarderUser'
  | 'ipv4SourcePrefix'
  | 'orphanLimitMs'
  | 'packetBufferBytes'
  | 'probeIntervalMs'
  | 'receiveBufferBytes'
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
  #tables: TableFds = [-1, -1];
  #counters: readonly CounterMemory[] = [];
  #sockets: OpenedSockets | undefined;
  #drops: readonly KernelDrops[] = [];
  #supervisor: Supervisor | undefined;
  #probe: PathProbe | undefined;
  #probes: readonly Rule[] = [];
  #openError: string | undefined;
  #openTimer: NodeJS.Timeout | undefined;

  constructor(config: SocketEngineConfig, columns: CounterColumns, log: Logger) {
    this.#config = config;
    this.#columns = columns;
    this.#log = log;
    this.#succession = new Succession(config, log);
  }

  get opened(): Promise<void> {
    return this.#opened.promise;
  }

  get probes(): readonly Rule[] {
    return this.#probes;
  }

  /**
   * Takes over what an earlier control left, and opens the other sockets or keeps trying: status() says
   * what is in the way.
   */
  async start(tables: TableFds): Promise<Identities | undefined> {
    this.#tables = tables;
    this.#succession.take();
    await this.#succession.endSuperfluous();
    this.#counters = Array.from(
      { length: this.#config.forwarders },
      (_, i) => new CounterMemory(i, this.#succession.counters(i)),
    );
    for (const column of this.#counters) this.#columns.add(column);
    const inherited = this.#succession.identities();
    await this.#open(0);
    return inherited;
  }

  /** The first table starts the forwarders. */
  async publish(table: TableReference): Promise<void> {
    if (this.#supervisor === undefined) return;
    await this.#succession.end();
    await this.#supervisor.publish(table);
    this.#probe?.start();
  }

  leave(): void {
    this.#stopTimers();
    this.#supervisor?.leave();
  }

  async stop(): Promise<void> {
    this.#stopTimers();
    await this.#supervisor?.stop();
    this.#succession.close();
    for (const drops of this.#drops) drops.close();
    if (this.#sockets !== undefined) closeSockets(this.#sockets);
  }

  status(): SubsystemStatus {
    if (this.#openError !== undefined) return { state: 'Offline', error: this.#openError };
    const failure = this.#supervisor?.persistentFailure();
    if (failure !== undefined) return { state: 'Offline', error: `${failure}; see the log` };
    const error = this.#supervisor?.passingFailure() ?? this.#probe?.failure();
    return error === undefined ? { state: 'OK' } : { state: 'Configuring', error };
  }

  forwarders(): readonly ForwarderStatus[] {
    return this.#counters.map((memory, index) => {
      const { pid, restarts } = this.#supervisor?.processOf(index) ?? NO_PROCESS;
      return {
        index,
        ...(pid === undefined ? {} : { pid }),
        restarts,
        kernelDrops: this.#drops[index]?.read() ?? 0n,
        ...readForwarderCounters(memory),
      };
    });
  }

  async #open(attempt: number): Promise<void> {
    try {
      this.#sockets = openSockets(this.#config, this.#inheritedSockets());
    } catch (error) {
      const message = messageOf(error);
      if (message !== this.#openError) this.#log.error({ error: message }, 'proxy offline');
      this.#openError = message;
      const delayMs = OPEN_RETRY_DELAYS_MS[Math.min(attempt, OPEN_RETRY_DELAYS_MS.length - 1)];
      this.#openTimer = setTimeout(() => this.#openLater(attempt + 1), delayMs);
      return;
    }
    this.#openError = undefined;
    await this.#prepareForwarders(this.#sockets);
    this.#opened.resolve();
  }

  #openLater(attempt: number): void {
    this.#open(attempt).catch((error: unknown) => {
      this.#openError = messageOf(error);
      this.#log.error({ error: this.#openError }, 'forwarders not started');
    });
  }

  #inheritedSockets(): readonly (InheritedSockets | undefined)[] {
    return this.#counters.map((_, index) => this.#succession.sockets(index));
  }

  #stopTimers(): void {
    clearTimeout(this.#openTimer);
    this.#probe?.stop();
  }

  async #prepareForwarders(sockets: OpenedSockets): Promise<void> {
    const { listen, probeIntervalMs, forwarders } = this.#config;
    restrictPrivileges(KEPT_CAPABILITIES);
    this.#warnOfSmallBuffer(sockets.receiveBufferBytes);
    this.#drops = sockets.forwarders.map(({ receive }) => new KernelDrops(receive));
    if (probeIntervalMs > 0) {
      const probe = new PathProbe({
        listen,
        intervalMs: probeIntervalMs,
        traffic: () => this.forwarders(),
        log: this.#log,
      });
      try {
        await probe.open(forwarders);
        this.#probe = probe;
        this.#probes = probe.rules();
      } catch (error) {
        probe.stop();
        this.#log.warn({ error: messageOf(error) }, NO_PROBE);
      }
    }
    const specs = sockets.forwarders.map((_, index) => this.#spec(index, sockets));
    this.#supervisor = new Supervisor(specs, this.#log);
  }

  #spec(index: number, sockets: OpenedSockets): ForwarderSpec {
    const own = sockets.forwarders[index] as OpenedSockets['forwarders'][0];
    const counters = this.#counters[index] as CounterMemory;
    const handover = this.#succession.prepare(index, sockets.receiveBufferBytes);
    const options: Omit<ForwarderOptions, 'table'> = {
      index,
      parentPid: process.pid,
      user: process.getuid?.() === 0 ? this.#config.forwarderUser : undefined,
      batch: BATCH,
      bufferBytes: this.#config.packetBufferBytes,
      slotCount: SLOT_COUNT,
      ipv4Senders: own.ipv4Senders.length,
      ipv6Senders: own.ipv6Senders.length,
      ipv4SourcePrefix: [...this.#config.ipv4SourcePrefix],
      handover: handover?.options,
    };
    const descriptors = {
      ...own,
      counters: counters.fd,
      tables: this.#tables,
      handover: handover?.listener,
    };
    return {
      index,
      spawn: (table, events) => new ForwarderProcess({ ...options, table }, descriptors, events),
      heartbeat: () => counters.counter(COUNTER.HEARTBEAT),
    };
  }

  #warnOfSmallBuffer(grantedBytes: number): void {
    const { receiveBufferBytes } = this.#config;
    // The kernel doubles what it is asked for, to make room for its own book-keeping (socket(7)).
    if (grantedBytes >= receiveBufferBytes * 2) return;
    const sysctl = `sysctl -w net.core.rmem_max=${receiveBufferBytes}`;
    const details = { asked: receiveBufferBytes, granted: Math.floor(grantedBytes / 2) };
    this.#log.warn(details, `receive buffer smaller than asked for: ${sysctl}, then restart`);
  }
}
