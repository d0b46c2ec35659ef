import { closeSync, fstatSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { cutOffSocket, describeSocket, memorySeals, SEAL, SOCKET } from '../../native/inherited.ts';
import { hasProcessEnded, killProcess } from '../../native/processes.ts';
import { RING } from '../../native/ring-layout.ts';
import { READER_STATES_BYTES } from '../../native/ring-memory.ts';
import { COUNTER_MEMORY } from '../memory/counter-memory.ts';
import { type Descriptors, descriptorsOf, presentDescriptors } from './descriptors.ts';
import {
  HANDOVER_REQUEST,
  HANDOVER_VERSIONS,
  type HandoverPart,
  type HandoverRequest,
  type HandoverState,
  readNow,
} from './handover.ts';

const END_WAIT_MS = 2000;
const END_POLL_MS = 2;

export interface PredecessorParts {
  readonly index: number;
  /** 0 when it is in another pid namespace. */
  readonly pid: number;
  /** Without it the process can be asked to end, but not be ended. */
  readonly pidfd: number | undefined;
  /** To ask it to end; undefined: it does not answer. */
  readonly connection: number | undefined;
  readonly versions: HandoverState['versions'];
  /** Descriptors of our own. */
  readonly descriptors: Descriptors;
}

/** A forwarder of a control that has ended, seen by the next control. */
export class Predecessor {
  readonly index: number;
  readonly pid: number;
  readonly descriptors: Descriptors;
  readonly #versions: HandoverState['versions'];
  readonly #pidfd: number | undefined;
  readonly #connection: number | undefined;

  /** @throws Error when a descriptor is not what it is called */
  static of(parts: PredecessorParts): Predecessor {
    const problem = descriptorProblem(parts);
    if (problem !== undefined) throw new Error(problem);
    return new Predecessor(parts);
  }

  private constructor(parts: PredecessorParts) {
    this.index = parts.index;
    this.pid = parts.pid;
    this.descriptors = parts.descriptors;
    this.#versions = parts.versions;
    this.#pidfd = parts.pidfd;
    this.#connection = parts.connection;
  }

  /** Whether this control knows what a part of what it hands over is. */
  fits(part: HandoverPart): boolean {
    return this.#versions[part] === HANDOVER_VERSIONS[part];
  }

  /** Its receiving sockets. */
  get receivers(): readonly number[] {
    return descriptorsOf(this.descriptors, 'receive');
  }

  /** Whether it does not move packets any more. */
  get isGone(): boolean {
    return this.#connection === undefined || this.#hasLetGo();
  }

  /**
   * Ends it; one that does not answer, or not in time, is killed.
   *
   * @param cutOff receiving sockets that nobody goes on with: what arrives from now on goes to others of the address
   * @returns whether it is gone: false when nothing helped in time
   */
  async end(cutOff: readonly number[] = []): Promise<boolean> {
    for (const fd of cutOff) tryCutOff(fd);
    const request = cutOff.length === 0 ? 'end' : 'drain';
    let hasEnded = this.#ask(request) && (await within(END_WAIT_MS, () => this.#hasLetGo()));
    // It has nothing left to do, or was asked in vain.
    if (this.#pidfd !== undefined) hasEnded = await this.#kill(this.#pidfd);
    if (this.#connection !== undefined) closeSync(this.#connection);
    if (this.#pidfd !== undefined) closeSync(this.#pidfd);
    return hasEnded;
  }

  /** @param used those that others go on with */
  closeDescriptors(used: readonly (number | undefined)[] = []): void {
    for (const [, fd] of presentDescriptors(this.descriptors))
      if (!used.includes(fd)) closeSync(fd);
  }

  #ask(request: HandoverRequest): boolean {
    if (this.#connection === undefined) return false;
    try {
      writeSync(this.#connection, Buffer.of(HANDOVER_REQUEST[request]));
      return true;
    } catch {
      // It has ended already: waiting for it says so.
      return true;
    }
  }

  #hasLetGo(): boolean {
    if (this.#pidfd !== undefined && hasProcessEnded(this.#pidfd)) return true;
    return this.#connection !== undefined && readNow(this.#connection, Buffer.alloc(1)) === 0;
  }

  #kill(pidfd: number): Promise<boolean> {
    try {
      killProcess(pidfd);
    } catch {
      // It has ended.
    }
    return within(END_WAIT_MS, () => hasProcessEnded(pidfd));
  }
}

function tryCutOff(fd: number): void {
  try {
    cutOffSocket(fd);
  } catch {
    // Its address is not there any more: nothing arrives.
  }
}

async function within(limitMs: number, isDone: () => boolean): Promise<boolean> {
  const deadline = performance.now() + limitMs;
  while (!isDone()) {
    if (performance.now() > deadline) return false;
    await sleep(END_POLL_MS);
  }
  return true;
}

/** What is wrong with what a forwarder hands over. Where its sockets listen is not looked at. */
function descriptorProblem({ descriptors, versions }: PredecessorParts): string | undefined {
  const fits = versions.counters === HANDOVER_VERSIONS.counters;
  // States of balancing come last, and may be of another size.
  const least: Descriptors = {
    counters: fits ? COUNTER_MEMORY.STATES : 0,
    'ended counters': fits ? COUNTER_MEMORY.STATES : 0,
    ring: RING.DATA + RING.BYTES_MIN,
    'ring readers': READER_STATES_BYTES,
  };
  for (const [name, fd] of presentDescriptors(descriptors)) {
    // The kernel says what it is when it is mapped.
    if (name === 'kernel ring') continue;
    const problem = /^(receive|own) /.test(name)
      ? socketProblem(fd)
      : memoryProblem(fd, least[name] ?? 0);
    if (problem !== undefined) return `"${name}" ${problem}`;
  }
  return undefined;
}

function socketProblem(fd: number): string | undefined {
  try {
    const { domain, type, protocol } = describeSocket(fd);
    const isIp = domain === SOCKET.IPV4 || domain === SOCKET.IPV6;
    const isReceiver = isIp && type === SOCKET.DATAGRAM && protocol === SOCKET.UDP;
    return isReceiver ? undefined : 'is another kind of socket';
  } catch {
    return 'is no socket';
  }
}

function memoryProblem(fd: number, minBytes: number): string | undefined {
  let seals: number;
  try {
    seals = memorySeals(fd);
  } catch {
    return 'is no shared memory';
  }
  const { size } = fstatSync(fd);
  if (size < minBytes) return `has ${size} bytes, not ${minBytes}`;
  // To touch what somebody has cut off kills a process.
  return minBytes > 0 && (seals & SEAL.SHRINK) === 0 ? 'can be cut off' : undefined;
}

export function closeAll(descriptors: Descriptors): void {
  for (const [, fd] of presentDescriptors(descriptors)) closeSync(fd);
}
