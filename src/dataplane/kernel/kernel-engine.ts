import type { Logger } from 'pino';
import { messageOf } from '../../base/errors.ts';
import type { SocketAddress } from '../../config/socket-address.ts';
import { mappedOctets } from '../../model/address.ts';
import type { Endpoint } from '../../model/endpoint.ts';
import type { Rule } from '../../model/rules.ts';
import { effectiveCapabilities } from '../../native/capabilities.ts';
import { KERNEL } from '../../native/kernel-layout.ts';
import { type KernelListener, KernelProgram, RefusedError } from '../../native/kernel-program.ts';
import { mapMemory, unmapMemory } from '../../native/memory.ts';
import { readQdiscs } from '../../native/policy.ts';
import type { KernelEngineStatus } from '../../telemetry/status.ts';
import type { SharedMemory, TableReference } from '../engine.ts';
import { Attachments } from './attachments.ts';
import { directLinks } from './direct-links.ts';
import { KernelProbe } from './kernel-probe.ts';
import { OwnAddresses } from './own-addresses.ts';
import { missingPrivileges } from './privileges.ts';
import { possibleProcessors, readProgram } from './program-file.ts';
import { UP_REASONS } from './up-reasons.ts';

/** Records of some 80,000 packets: what is handled while a forwarder has no turn for a while. */
export const KERNEL_RING_BYTES = 16 * 1024 ** 2;

/** Packets of an exporter go up for so long after one did. */
const HOLD_MS = 1000;

/** New interfaces, addresses and queueing disciplines are noticed within. */
const LOOK_MS = 1000;

export type EngineSetting = 'auto' | 'kernel' | 'socket';

/** What this host has on the way of packets that would be passed by. */
export interface InputWay {
  /** While this process may ask. */
  open(): void;
  /** @param onChange is called when the obstacle is another */
  start(onChange: () => void): void;
  stop(): void;
  /** In words; undefined: nothing. */
  readonly obstacle: string | undefined;
}

export interface KernelEngineSettings {
  readonly engine: EngineSetting;
  readonly listeners: readonly SocketAddress[];
  readonly forwarders: number;
  readonly packetBufferBytes: number;
  /** How often it is tested; 0: never. */
  readonly probeIntervalMs: number;
  readonly ipv4SourcePrefix: Uint8Array;
}

const NOTHING = { packets: 0n, bytes: 0n };

/**
 * The engine in the kernel: it handles packets before sockets get them, by the same tables, and lets those go up to the
 * sockets that it does not handle. Forwarders count what it has handled, so it has no columns of its own.
 */
export class KernelEngine {
  readonly #settings: KernelEngineSettings;
  readonly #log: Logger;
  /** Undefined: it does not matter. */
  readonly #input: InputWay | undefined;
  #program: KernelProgram | undefined;
  #attachments: Attachments | undefined;
  #addresses: OwnAddresses | undefined;
  #probe: KernelProbe | undefined;
  #reason = 'not started';
  /** Tables, by file, mapped when they are needed. */
  #memory: SharedMemory | undefined;
  #told: string | undefined;
  #isReady = false;
  #isHeld = false;
  #timer: NodeJS.Timeout | undefined;

  /** @param input with `auto`, no packet is handled past something on its way */
  constructor(settings: KernelEngineSettings, input: InputWay | undefined, log: Logger) {
    this.#settings = settings;
    this.#input = settings.engine === 'auto' ? input : undefined;
    this.#log = log;
  }

  /** While this process may load programs. What is in the way is told once, and packets are forwarded without it. */
  open(memory: SharedMemory): void {
    this.#memory = memory;
    const reason = this.#load(memory);
    if (reason === undefined) {
      this.#input?.open();
      return;
    }
    this.#reason = reason;
    const isAsked = this.#settings.engine === 'kernel';
    if (this.#settings.engine === 'socket') return;
    this.#log[isAsked ? 'warn' : 'info'](`the engine in the kernel is not used: ${reason}`);
  }

  /** Whether packets can be handled; else nothing else of it means anything. */
  get isOpen(): boolean {
    return this.#program !== undefined;
  }

  /** Before the first table. */
  async openProbe(): Promise<void> {
    const { listeners, probeIntervalMs: intervalMs } = this.#settings;
    const program = this.#program;
    if (program === undefined || intervalMs === 0) return;
    const leadBack = (endpoint: Endpoint) => this.#memory?.leadBack(endpoint);
    const probe = new KernelProbe({ program, listeners, intervalMs, leadBack });
    try {
      await probe.open();
      this.#probe = probe;
    } catch (error) {
      const details = { error: messageOf(error) };
      this.#log.info(details, 'the engine in the kernel is not tested: that needs ::1');
    }
  }

  /** Rules for its test datagrams. */
  get probes(): readonly Rule[] {
    return this.#probe?.rules ?? [];
  }

  /** What forwarders need: the settings, the ring of the one with this index, and links to hold. */
  descriptors(index: number): Readonly<Record<string, number | undefined>> {
    const program = this.#program;
    if (program === undefined) return {};
    const links = [...(this.#attachments?.links ?? [])];
    return {
      'kernel settings': program.settingsFd,
      'kernel ring': program.ringFds[index],
      ...Object.fromEntries(links.map(([link, fd]) => [`kernel link ${link}`, fd])),
    };
  }

  /** Copies the table that is put in force next. @throws SystemCallError */
  async stage({ file, bytes, states = 0 }: TableReference): Promise<void> {
    const fd = this.#memory?.tables[file];
    if (this.#program === undefined || fd === undefined) return;
    const image = mapMemory(fd, bytes, false);
    try {
      await this.#program.stage(image, bytes, states);
    } finally {
      unmapMemory(image);
    }
  }

  /**
   * Puts the table that was staged in force behind the sockets: an exporter whose packets they handle by it stays with
   * them meanwhile, so that none of its packets is handled by the former one again (spec R13). Resolves when every packet
   * that it handles is handled by this table.
   *
   * @param inSockets puts the table in force there
   * @throws SystemCallError
   */
  async putInForceBehind(inSockets: () => Promise<void>): Promise<void> {
    const program = this.#program;
    if (program === undefined) return inSockets();
    program.keepsHolds = true;
    try {
      await inSockets();
      await program.putInForce();
    } finally {
      program.keepsHolds = false;
    }
  }

  /** Packets come to it, before the program of an earlier control, and all go up until it is switched on. */
  attach(): void {
    if (this.#program === undefined) return;
    this.#look();
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
  }

  /** Forwarders count what it handles. */
  switchOn(): void {
    if (this.#isReady) return;
    this.#isReady = true;
    this.#input?.start(() => this.#switch());
    if (this.#probe === undefined) this.#switch();
    else this.#probe.start(() => this.#switch());
  }

  /** All packets go up while somebody else has to see them, in order behind those that it has handled. */
  set isHeld(held: boolean) {
    this.#isHeld = held;
    this.#switch();
  }

  /** Links stay where forwarders hold them. */
  leave(): void {
    clearInterval(this.#timer);
    this.#input?.stop();
    this.#probe?.stop();
  }

  stop(): void {
    this.leave();
    this.#isReady = false;
    if (this.#program !== undefined) this.#program.isOn = false;
    this.#attachments?.detach();
  }

  status(): KernelEngineStatus {
    const problem = this.#problem();
    const counts = this.#program?.counts();
    const up = [...(counts?.up ?? [])].map(([reason, packets]) => ({
      reason: reason.toLowerCase(),
      meaning: UP_REASONS[reason],
      packets,
    }));
    return {
      ...(problem === undefined ? {} : { problem }),
      interfaces: this.#attachments?.names ?? [],
      handled:
        counts === undefined ? NOTHING : { packets: counts.handled, bytes: counts.handledBytes },
      up,
    };
  }

  /** Why nothing is handled. */
  #problem(): string | undefined {
    if (this.#program === undefined) return this.#reason;
    if (!this.#isReady) return 'it is being set up';
    if (this.#isHeld) return 'packets are being captured: they go through forwarders';
    return this.#input?.obstacle ?? this.#probe?.problem;
  }

  /** @returns why it cannot be used, in words */
  #load(memory: SharedMemory): string | undefined {
    const { engine, forwarders, listeners, packetBufferBytes, ipv4SourcePrefix } = this.#settings;
    if (engine === 'socket') return 'COLLECTOR_FLOXY_ENGINE=socket';
    if (forwarders > KERNEL.CONSUMERS) return `there are more than ${KERNEL.CONSUMERS} forwarders`;
    const missing = missingPrivileges(effectiveCapabilities());
    if (missing !== undefined) return missing;
    const object = readProgram();
    if (object === undefined)
      return 'the build had no clang: install it (apt-get install clang) and build again';
    try {
      const processors = possibleProcessors();
      const program = new KernelProgram({
        object,
        processors,
        consumers: forwarders,
        ringBytes: KERNEL_RING_BYTES,
      });
      program.configure({
        payloadBytes: packetBufferBytes,
        holdMs: HOLD_MS,
        forwarders,
        ipv4SourcePrefix,
      });
      program.setListeners(listeners.map(kernelListener));
      memory.copyPaths(program.paths);
      this.#program = program;
      this.#attachments = new Attachments(program, this.#log);
      this.#addresses = new OwnAddresses(program);
      return undefined;
    } catch (error) {
      if (error instanceof RefusedError) this.#log.debug({ verifier: error.log }, error.message);
      return `${messageOf(error)}${adviceFor(error)}`;
    }
  }

  #switch(): void {
    if (this.#program === undefined) return;
    const problem = this.#problem();
    this.#program.isOn = problem === undefined;
    const interfaces = this.#attachments?.names.join(', ');
    const line =
      problem === undefined
        ? `packets are handled in the kernel, at ${interfaces}`
        : `packets are not handled in the kernel: ${problem}`;
    const isTested = problem !== undefined && problem === this.#probe?.problem;
    // The first tests take milliseconds.
    if (isTested && !this.#probe?.isKnown) return;
    if (line !== this.#told) this.#log[isTested ? 'warn' : 'info'](line);
    this.#told = line;
  }

  #look(): void {
    try {
      this.#addresses?.look();
      this.#attachments?.look();
      this.#program?.setDirectLinks(directLinks(readQdiscs()));
    } catch (error) {
      this.#log.warn({ error: messageOf(error) }, 'the interfaces of this host are not known');
    }
  }
}

function kernelListener({ octets, port }: SocketAddress): KernelListener {
  const isWildcard = octets.every((octet) => octet === 0);
  const anyKind = octets.length === 4 ? 'any IPv4' : 'any';
  return { address: mappedOctets(octets), port, kind: isWildcard ? anyKind : 'address' };
}

function adviceFor(error: unknown): string {
  const { code } = error as { code?: unknown };
  if (code !== 'EPERM') return '';
  return ': the kernel is locked down, or a container has no right to bpf(2)';
}
