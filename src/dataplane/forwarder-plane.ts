import { closeSync } from 'node:fs';
import type { Logger } from 'pino';
import { messageOf } from '../base/errors.ts';
import type { Config } from '../config/config.ts';
import type { DataPlane, PreparedRules, RuleSetCounters } from '../control/ports.ts';
import type { Rule, RuleSet } from '../model/rules.ts';
import type { Counters } from '../model/statistics.ts';
import type { SubsystemStatus } from '../model/status.ts';
import { COUNTER, restrictPrivileges } from '../native/packet-io.ts';
import type { RuleSlots } from '../table/compile.ts';
import { LossLog } from '../telemetry/loss-log.ts';
import type { ForwarderStatus } from '../telemetry/status.ts';
import { readForwarderCounters } from './forwarder-counters.ts';
import { CounterMemory, SLOT_COUNT } from './memory/counter-memory.ts';
import { PathProbe } from './path-probe.ts';
import { RulePublisher } from './rule-publisher.ts';
import type { ForwarderOptions } from './socket/forwarder/messages.ts';
import { ForwarderProcess } from './socket/forwarder-process.ts';
import { KernelDrops } from './socket/kernel-drops.ts';
import {
  closeSockets,
  type InheritedSockets,
  type OpenedSockets,
  openSockets,
} from './socket/sockets.ts';
import { Succession } from './socket/succession.ts';
import { type ForwarderSpec, Supervisor } from './socket/supervisor.ts';

/** Packets taken and handed on at once: enough to make system calls cheap, few to lose in a crash. */
const BATCH = 64;

const LOSS_LOG_INTERVAL_MS = 10_000;
const OPEN_RETRY_DELAYS_MS = [200, 500, 1000, 2000, 5000] as const;

/**
 * Capabilities (linux/capability.h) that control keeps once the sockets are open, where it has them: to end
 * forwarders, to let them become another user, to prefer them to other processes, and to write the database
 * whoever owns it.
 */
// DAC_OVERRIDE, KILL, SETGID, SETUID, SYS_NICE
const KEPT_CAPABILITIES = (1n << 1n) | (1n << 5n) | (1n << 6n) | (1n << 7n) | (1n << 23n);

const NO_PROCESS = { pid: undefined, restarts: 0 };

/** The data plane: sockets, shared memory and one process per forwarder. */
export class ForwarderPlane implements DataPlane {
  readonly #config: Config;
  readonly #log: Logger;
  readonly #lossLog: LossLog;
  #counters: CounterMemory[] = [];
  readonly #rules: RulePublisher;
  #sockets: OpenedSockets | undefined;
  #drops: readonly KernelDrops[] = [];
  #supervisor: Supervisor | undefined;
  #probe: PathProbe | undefined;
  readonly #succession: Succession;
  #openError: string | undefined;
  #openTimer: NodeJS.Timeout | undefined;
  #lossTimer: NodeJS.Timeout | undefined;

  constructor(config: Config, log: Logger) {
    this.#config = config;
    this.#log = log;
    this.#lossLog = new LossLog(log);
    this.#succession = new Succession(config, log);
    this.#rules = new RulePublisher(config.listen?.port ?? 0, (slot) => this.#clearSlot(slot));
  }

  /**
   * Takes over what an earlier control left, and opens the other sockets or keeps trying: status() says
   * what is in the way.
   */
  async start(): Promise<void> {
    this.#rules.start();
    if (this.#config.listen === undefined) return;
    this.#succession.take();
    await this.#succession.endSuperfluous();
    this.#counters = Array.from(
      { length: this.#config.forwarders },
      (_, i) => new CounterMemory(i, this.#succession.counters(i)),
    );
    const table = this.#succession.table();
    if (table !== undefined) this.#rules.adopt(table);
    await this.#open(0);
    this.#lossTimer = setInterval(
      () => this.#lossLog.report(this.forwarders()),
      LOSS_LOG_INTERVAL_MS,
    );
  }

  /** Ends control of the forwarders and leaves them to the next control. */
  leave(): void {
    this.#stopTimers();
    this.#supervisor?.leave();
  }

  async stop(): Promise<void> {
    this.#stopTimers();
    await this.#supervisor?.stop();
    this.#succession.close();
    if (this.#supervisor !== undefined) this.#lossLog.report(this.forwarders());
    if (this.#sockets !== undefined) closeSockets(this.#sockets);
    for (const memory of this.#counters) {
      memory.close();
      closeSync(memory.fd);
    }
    this.#rules.close();
  }

  status(): SubsystemStatus {
    if (this.#config.listen === undefined) {
      const error =
        'the proxy is off: set COLLECTOR_FLOXY_ADDRESS to receive flow, such as [::]:2055';
      return { state: 'Offline', error };
    }
    if (this.#openError !== undefined) return { state: 'Offline', error: this.#openError };
    const failure = this.#supervisor?.persistentFailure();
    if (failure !== undefined) return { state: 'Offline', error: `${failure}; see the log` };
    if (!this.#rules.hasRules) return { state: 'Configuring' };
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

  prepare(ruleSet: RuleSet): Promise<PreparedRules> {
    return this.#rules.prepare(ruleSet);
  }

  discard(prepared: PreparedRules): void {
    this.#rules.discard(prepared);
  }

  publish(prepared: PreparedRules): Promise<void> {
    return this.#rules.publish(prepared);
  }

  commit(prepared: PreparedRules): void {
    this.#rules.commit(prepared);
  }

  counters(): RuleSetCounters {
    const ofOutputs = (slots: RuleSlots) =>
      slots.outputs.map(({ collectors }) => collectors.map((slot) => this.#sum(slot)));
    const slotsOf = (rule: Rule) => {
      const slots = this.#rules.rule(rule.exporter);
      if (slots === undefined) throw new Error('a rule that is not in force has no counters');
      return slots;
    };
    return {
      input: (rule) => this.#sum(slotsOf(rule).input),
      outputs: (rule) => ofOutputs(slotsOf(rule)),
      defaultOutputs: () => ofOutputs(this.#rules.defaults),
      mismatched: () => this.#sum(this.#rules.defaults.input),
    };
  }

  async #open(attempt: number): Promise<void> {
    const { listen } = this.#config;
    if (listen === undefined) return;
    try {
      this.#sockets = openSockets(this.#config, listen, this.#inheritedSockets());
    } catch (error) {
      const message = messageOf(error);
      if (message !== this.#openError) this.#log.error({ error: message }, 'proxy offline');
      this.#openError = message;
      const delayMs = OPEN_RETRY_DELAYS_MS[Math.min(attempt, OPEN_RETRY_DELAYS_MS.length - 1)];
      this.#openTimer = setTimeout(() => this.#openLater(attempt + 1), delayMs);
      return;
    }
    this.#openError = undefined;
    await this.#opened(this.#sockets, listen);
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
    clearInterval(this.#lossTimer);
    this.#probe?.stop();
  }

  async #opened(sockets: OpenedSockets, listen: NonNullable<Config['listen']>): Promise<void> {
    restrictPrivileges(KEPT_CAPABILITIES);
    this.#warnOfSmallBuffer(sockets.receiveBufferBytes);
    this.#drops = sockets.forwarders.map(({ receive }) => new KernelDrops(receive));
    this.#lossLog.skip(this.forwarders());
    if (this.#config.probeIntervalMs > 0) {
      const probe = new PathProbe({
        listen,
        intervalMs: this.#config.probeIntervalMs,
        traffic: () => this.forwarders(),
        log: this.#log,
      });
      await probe.open(this.#config.forwarders);
      this.#probe = probe;
    }
    const specs = sockets.forwarders.map((_, index) => this.#spec(index, sockets));
    const supervisor = new Supervisor(specs, this.#log);
    this.#supervisor = supervisor;
    await this.#rules.useWith({
      probes: this.#probe?.rules() ?? [],
      publish: async (table) => {
        await this.#succession.end();
        await supervisor.publish(table);
        this.#probe?.start();
      },
    });
  }

  #spec(index: number, sockets: OpenedSockets): ForwarderSpec {
    const { receive, sendIpv4, sendIpv6 } = sockets.forwarders[
      index
    ] as OpenedSockets['forwarders'][0];
    const counters = this.#counters[index] as CounterMemory;
    const tables = this.#rules.readOnlyFds;
    const handover = this.#succession.prepare(index, sockets.receiveBufferBytes);
    const options: Omit<ForwarderOptions, 'table'> = {
      index,
      parentPid: process.pid,
      user: process.getuid?.() === 0 ? this.#config.forwarderUser : undefined,
      batch: BATCH,
      bufferBytes: this.#config.packetBufferBytes,
      slotCount: SLOT_COUNT,
      hasIpv4Sender: sendIpv4 !== undefined,
      hasIpv6Sender: sendIpv6 !== undefined,
      ipv4SourcePrefix: [...this.#config.ipv4SourcePrefix],
      handover: handover?.options,
    };
    const descriptors = {
      receive,
      sendIpv4,
      sendIpv6,
      counters: counters.fd,
      tables,
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

  #sum(slot: number): Counters {
    let packets = 0n;
    let bytes = 0n;
    for (const memory of this.#counters) {
      const counters = memory.slot(slot);
      packets += counters.packets;
      bytes += counters.bytes;
    }
    return { packets, bytes };
  }

  #clearSlot(slot: number): void {
    for (const memory of this.#counters) memory.clearSlot(slot);
  }
}
