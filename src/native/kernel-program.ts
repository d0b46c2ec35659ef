/** The program in the kernel, as control sees it (native/include/kernel_engine.h). */
import { type Addon, addon, type KernelHandle } from './addon.ts';
import { checkInteger, UINT32_MAX } from './arguments.ts';
import { COUNTERS, KERNEL, LISTENER, PROCESSOR, REASON, SETTINGS } from './kernel-layout.ts';
import { check, SystemCallError } from './system-call.ts';

export interface KernelProgramOptions {
  /** What clang has made of native/bpf. */
  readonly object: Uint8Array;
  /** How many processors the machine may have. */
  readonly processors: number;
  /** Who counts what is handled: a ring for each, 1 to KERNEL.CONSUMERS. */
  readonly consumers: number;
  /** Of each ring: a power of two. */
  readonly ringBytes: number;
}

/** An address at which flow is received. */
export interface KernelListener {
  /** 16 bytes, IPv4 as ::ffff:a.b.c.d; of no meaning for a wildcard. */
  readonly address: Uint8Array;
  readonly port: number;
  /** `any`: every address of this host; `any IPv4`: those of IPv4. */
  readonly kind: 'address' | 'any' | 'any IPv4';
}

/** Why packets went up to the sockets, as keys of REASON. */
export type UpReason = keyof typeof REASON;

/** What all processors have counted. */
export interface KernelCounts {
  readonly handled: bigint;
  readonly handledBytes: bigint;
  /** Those that are not 0. */
  readonly up: ReadonlyMap<UpReason, bigint>;
}

const REASONS = Object.entries(REASON) as [UpReason, number][];

const LOG_BYTES = 64 * 1024;

const KINDS = {
  address: KERNEL.LISTENER_EXACT,
  any: KERNEL.LISTENER_ANY,
  'any IPv4': KERNEL.LISTENER_ANY4,
} as const;

/** The verifier of the kernel has refused the program; `log` is what it says. */
export class RefusedError extends Error {
  readonly log: string;

  constructor(code: string, log: string) {
    super(`the kernel refuses the program: ${code}`);
    this.log = log;
  }
}

export class KernelProgram {
  readonly #addon: Addon;
  readonly #handle: KernelHandle;
  readonly #words: Uint32Array;
  readonly #wide: BigUint64Array;
  readonly #processors: BigUint64Array;
  /** Descriptor of the settings, which forwarders write what they see of their sockets to. */
  readonly settingsFd: number;
  /** Descriptors of the rings, by consumer. */
  readonly ringFds: readonly number[];
  /** The path table that the program reads. */
  readonly paths: ArrayBuffer;

  /**
   * Makes maps and loads the program. All packets go up until it is switched on.
   *
   * @throws SystemCallError EPERM without CAP_BPF and CAP_NET_ADMIN; RefusedError with what the verifier says, also without CAP_PERFMON
   */
  constructor({ object, processors, consumers, ringBytes }: KernelProgramOptions) {
    checkInteger('processors', processors, 1, UINT32_MAX);
    checkInteger('consumers', consumers, 1, KERNEL.CONSUMERS);
    this.#addon = addon();
    const log = new Uint8Array(LOG_BYTES);
    const handle = this.#addon.kernelLoad(object, processors, consumers, ringBytes, log);
    if (typeof handle === 'number') throw loadError(handle, log);
    this.#handle = handle;
    const fds = new Int32Array(consumers + 1);
    check('kernelDescriptors', this.#addon.kernelDescriptors(handle, fds));
    [this.settingsFd = -1, ...this.ringFds] = fds;
    const settings = memoryOf('kernelSettings', this.#addon.kernelSettings(handle));
    this.#words = new Uint32Array(settings);
    this.#wide = new BigUint64Array(settings);
    const cpus = memoryOf('kernelProcessors', this.#addon.kernelProcessors(handle));
    this.#processors = new BigUint64Array(cpus);
    this.paths = memoryOf('kernelPaths', this.#addon.kernelPaths(handle));
  }

  /** While it is off all packets go up. */
  set isOn(on: boolean) {
    Atomics.store(this.#words, SETTINGS.FLAGS, on ? KERNEL.ON : 0);
  }

  /** How packets are handled; before it is switched on. */
  configure(settings: {
    /** The largest payload that is taken whole, in bytes. */
    readonly payloadBytes: number;
    readonly holdMs: number;
    readonly forwarders: number;
    /** The 12 bytes before IPv4 sources on their way to IPv6. */
    readonly ipv4SourcePrefix: Uint8Array;
  }): void {
    this.#words[SETTINGS.PAYLOAD_BYTES] = settings.payloadBytes;
    this.#wide[SETTINGS.HOLD_NS / 2] = BigInt(settings.holdMs) * 1_000_000n;
    this.#words[SETTINGS.FORWARDERS] = settings.forwarders;
    const at = SETTINGS.MAPPED_PREFIX * 4;
    new Uint8Array(this.#words.buffer, at, 12).set(settings.ipv4SourcePrefix);
  }

  /** Instead of those before; their order says the row of each. @throws SystemCallError */
  setListeners(listeners: readonly KernelListener[]): void {
    const bytes = new Uint8Array(listeners.length * LISTENER.SIZE);
    const ports = new Uint16Array(bytes.buffer);
    for (const [i, { address, port, kind }] of listeners.entries()) {
      const at = i * LISTENER.SIZE;
      bytes.set(address, at + LISTENER.ADDRESS * 4);
      ports[(at + LISTENER.PORT_BYTE) / 2] = port;
      bytes[at + LISTENER.KIND_BYTE] = KINDS[kind];
      bytes[at + LISTENER.ROW_BYTE] = i;
    }
    check('kernelSetListeners', this.#addon.kernelSetListeners(this.#handle, bytes));
  }

  /** @param words KERNEL.LINK_WORDS of bits, by index of the interface: those that have no queue */
  setDirectLinks(words: Uint32Array): void {
    for (const [i, word] of words.entries()) Atomics.store(this.#words, SETTINGS.DIRECT + i, word);
  }

  /** An address of this host comes or goes, for wildcards. @param address 16 bytes @throws SystemCallError */
  setAddress(address: Uint8Array, isThere: boolean): void {
    const result = this.#addon.kernelSetAddress(this.#handle, address, Number(isThere));
    check('kernelSetAddress', result);
  }

  /** While it is set, exporters whose packets go up are not taken back. */
  set keepsHolds(keeps: boolean) {
    Atomics.store(this.#words, SETTINGS.KEEPS_HOLDS, keeps ? 1 : 0);
  }

  /**
   * Copies the table that is put in force next.
   *
   * @param states those of its outputs are below this
   * @throws SystemCallError
   */
  async stage(image: ArrayBuffer, bytes: number, states: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<number>();
    check('kernelStage', this.#addon.kernelStage(this.#handle, image, bytes, states, resolve));
    check('kernelStage', await promise);
  }

  /** Resolves when every packet is handled by the table that was staged, and none by one before. @throws SystemCallError */
  async putInForce(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<number>();
    check('kernelPutInForce', this.#addon.kernelPutInForce(this.#handle, resolve));
    check('kernelPutInForce', await promise);
  }

  /**
   * Runs it with a packet of our own, which no interface has received, whether it is on or not (native/include/kernel_engine.h).
   *
   * @param frame from its Ethernet header on
   * @returns why it would go up; undefined: it was handled, and its copies are on their way
   * @throws SystemCallError
   */
  try(frame: Uint8Array): UpReason | undefined {
    const result = check('kernelTry', this.#addon.kernelTry(this.#handle, frame));
    return REASONS.find(([, number]) => number === result)?.[0];
  }

  /**
   * Packets of an interface come to it from now on.
   *
   * @returns a link, which keeps it there as long as anybody has it open
   * @throws SystemCallError EOPNOTSUPP where the kernel has no such links
   */
  attach(link: number): number {
    return check('kernelAttach', this.#addon.kernelAttach(this.#handle, link));
  }

  /** The same as a filter of the interface, which stays until it is detached. @throws SystemCallError */
  attachFilter(link: number): void {
    check('kernelAttachFilter', this.#addon.kernelAttachFilter(this.#handle, link));
  }

  static detachFilter(link: number): void {
    check('kernelDetachFilter', addon().kernelDetachFilter(link));
  }

  counts(): KernelCounts {
    const sum = (word: number) => {
      let total = 0n;
      const step = PROCESSOR.SIZE / 8;
      for (let at = word / 2; at < this.#processors.length; at += step)
        total += this.#processors[at] ?? 0n;
      return total;
    };
    const up = REASONS.map(([reason, number]) => [reason, sum(COUNTERS.UP + number * 2)] as const);
    return {
      handled: sum(COUNTERS.HANDLED),
      handledBytes: sum(COUNTERS.HANDLED_BYTES),
      up: new Map(up.filter(([, count]) => count > 0n)),
    };
  }
}

function loadError(result: number, log: Uint8Array): Error {
  const error = new SystemCallError('kernelLoad', -result);
  const end = log.indexOf(0);
  const text = Buffer.from(log.subarray(0, Math.max(0, end))).toString('latin1');
  return text === '' ? error : new RefusedError(error.code, text);
}

function memoryOf(call: string, result: ArrayBuffer | number): ArrayBuffer {
  if (typeof result === 'number') throw new SystemCallError(call, -result);
  return result;
}
