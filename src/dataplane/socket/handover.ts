/**
 * How the sockets and counters of a forwarder outlive control. A forwarder whose control has ended goes on
 * forwarding and gives its descriptors to the control that comes next, which ends it and starts a forwarder
 * of its own on the same sockets. What arrives in between waits in the receive buffer.
 */
import { closeSync, readSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { handoverAccept, handoverConnect } from '../../native/handover.ts';
import type { TableReference } from '../engine.ts';

/** Of counters, slots and tables. Memory of another layout is not taken over. */
export const MEMORY_LAYOUT = 3;

/** What a forwarder says of what it hands over. */
export interface HandoverState {
  readonly pid: number;
  readonly layout: number;
  /** Where its socket listens, as formatEndpoint() prints it. */
  readonly listen: string;
  /** What the kernel granted, in bytes as it counts them. */
  readonly receiveBufferBytes: number;
  readonly slotCount: number;
  readonly table: TableReference;
}

/** Descriptors in the order in which they are handed over. Raw sockets are not: nothing waits in them. */
export interface HandoverDescriptors {
  readonly receive: number;
  readonly counters: number;
  /** The table in force. */
  readonly table: number;
}

const CONNECT_WAIT_MS = 1000;
const END_WAIT_MS = 2000;
const END_POLL_MS = 2;
const END = Buffer.from('E');

/** The forwarder's side: gives everything away, once, to a successor that asks. */
export class Bequest {
  readonly #listener: number;
  readonly #user: number;
  #connection: number | undefined;

  /** @param user who may have it, besides root */
  constructor(listener: number, user: number) {
    this.#listener = listener;
    this.#user = user;
  }

  /** Answers a successor that waits. @returns whether one wants the forwarder to end now */
  poll(state: HandoverState, descriptors: HandoverDescriptors): boolean {
    if (this.#connection !== undefined) return this.#isToldToEnd(this.#connection);
    const data = Buffer.from(JSON.stringify(state));
    const fds = Object.values(descriptors);
    this.#connection = handoverAccept(this.#listener, this.#user, data, fds);
    return false;
  }

  /** Lets go of the socket, so that a successor sees the end. */
  close(): void {
    if (this.#connection !== undefined) closeSync(this.#connection);
    closeSync(this.#listener);
  }

  #isToldToEnd(connection: number): boolean {
    const byte = Buffer.alloc(1);
    const got = readNow(connection, byte);
    if (got === 1) return true;
    if (got === 0) {
      // The successor died before it was ready: wait for the next one.
      closeSync(connection);
      this.#connection = undefined;
    }
    return false;
  }
}

/** A forwarder of a control that has ended, seen by the next control. */
export class Predecessor {
  readonly state: HandoverState;
  readonly descriptors: HandoverDescriptors;
  readonly #connection: number;

  private constructor(connection: number, state: HandoverState, fds: readonly number[]) {
    this.#connection = connection;
    this.state = state;
    const [receive = -1, counters = -1, table = -1] = fds;
    this.descriptors = { receive, counters, table };
  }

  /**
   * Takes over the forwarder that listens at a path.
   *
   * @returns undefined when there is none, or its control is still alive
   */
  static take(path: string): Predecessor | undefined {
    const taken = handoverConnect(path, CONNECT_WAIT_MS);
    if (taken === undefined) return undefined;
    const state = JSON.parse(taken.data.toString()) as HandoverState;
    return new Predecessor(taken.connection, state, taken.descriptors);
  }

  /** Ends it after the batch at hand; resolves when it is gone. A stuck one is killed. */
  async end(): Promise<void> {
    writeNow(this.#connection);
    const deadline = performance.now() + END_WAIT_MS;
    let isKilled = false;
    while (readNow(this.#connection, Buffer.alloc(1)) !== 0) {
      if (!isKilled && performance.now() > deadline) {
        isKilled = true;
        killIfThere(this.state.pid);
      }
      await sleep(END_POLL_MS);
    }
    closeSync(this.#connection);
  }

  /** For descriptors that are not going to be used. */
  closeDescriptors(): void {
    for (const fd of Object.values(this.descriptors)) closeSync(fd);
  }
}

/** @returns bytes, 0 at the end, or -1 when nothing has come yet */
function readNow(fd: number, buffer: Buffer): number {
  try {
    return readSync(fd, buffer);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EAGAIN' ? -1 : 0;
  }
}

function writeNow(connection: number): void {
  try {
    writeSync(connection, END);
  } catch {
    // It has ended already: reading says so.
  }
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}
