/**
 * How the sockets and counters of a forwarder outlive control. A forwarder whose control has ended goes on
 * forwarding and gives its descriptors to the control that comes next (predecessor.ts), which ends it and
 * starts a forwarder of its own on the same sockets. What arrives in between waits in the receive buffer.
 */
import { closeSync, readSync } from 'node:fs';
import { handoverAccept } from '../../native/handover.ts';
import { COUNTERS } from '../../native/layout.ts';
import { IDENTITIES_LAYOUT } from '../../table/identities.ts';
import { type Descriptors, presentDescriptors } from './descriptors.ts';
import { integer, list, object, parse, type Shape, text } from './shape.ts';

/**
 * What is handed over has versions apart: what fits is kept, and sockets, which are the kernel's, always fit.
 * Tables are not handed over: identities say what counts where, whatever has become of them.
 */
export const HANDOVER_VERSIONS: Readonly<Record<'sockets' | 'counters' | 'identities', number>> = {
  sockets: 1,
  counters: COUNTERS.LAYOUT,
  identities: IDENTITIES_LAYOUT,
};

export type HandoverPart = keyof typeof HANDOVER_VERSIONS;

/** What a forwarder says of what it hands over. */
export interface HandoverState {
  readonly versions: Readonly<Record<HandoverPart, number>>;
  /** Names (DescriptorName) of the descriptors that come with it, in their order. */
  readonly descriptors: readonly string[];
}

/** More than a forwarder has open. */
const MAX_DESCRIPTORS = 512;
const MAX_NAME_LENGTH = 32;

/** Names of descriptors. */
export const descriptorNames: Shape<readonly string[]> = list(
  text(MAX_NAME_LENGTH),
  MAX_DESCRIPTORS,
);

export const handoverVersions: Shape<HandoverState['versions']> = object({
  sockets: integer(0),
  counters: integer(0),
  identities: integer(0),
});

const state: Shape<HandoverState> = object({
  versions: handoverVersions,
  descriptors: descriptorNames,
});

/** A forwarder that was broken into may say anything. @throws Error when it is not a state */
export function parseHandoverState(data: Buffer): HandoverState {
  return parse(data.toString(), state);
}

/** What the next control asks of a forwarder that has handed everything over, in one byte. */
export const HANDOVER_REQUEST = {
  /** After the batch at hand: another process goes on with its sockets. */
  end: 'E'.charCodeAt(0),
  /** After all that waits in its sockets: nobody goes on with them. */
  drain: 'D'.charCodeAt(0),
} as const;

export type HandoverRequest = keyof typeof HANDOVER_REQUEST;

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

  /** Answers a successor that waits. @returns how it wants the forwarder to end; undefined: not yet */
  poll(
    descriptors: Descriptors,
    versions: HandoverState['versions'] = HANDOVER_VERSIONS,
  ): HandoverRequest | undefined {
    if (this.#connection !== undefined) return this.#readRequest(this.#connection);
    const present = presentDescriptors(descriptors);
    const names = present.map(([name]) => name);
    const said: HandoverState = { versions, descriptors: names };
    const data = Buffer.from(JSON.stringify(said));
    const fds = present.map(([, fd]) => fd);
    this.#connection = handoverAccept(this.#listener, this.#user, data, fds);
    return undefined;
  }

  /** Whether a successor has everything, and has not decided yet. */
  get hasSuccessor(): boolean {
    return this.#connection !== undefined;
  }

  /** Lets go of the socket, so that a successor sees the end. */
  close(): void {
    if (this.#connection !== undefined) closeSync(this.#connection);
    closeSync(this.#listener);
  }

  #readRequest(connection: number): HandoverRequest | undefined {
    const byte = Buffer.alloc(1);
    const got = readNow(connection, byte);
    if (got === 1) return byte[0] === HANDOVER_REQUEST.drain ? 'drain' : 'end';
    if (got === 0) {
      // The successor died before it was ready: wait for the next one.
      closeSync(connection);
      this.#connection = undefined;
    }
    return undefined;
  }
}

/** @returns bytes, 0 at the end, or -1 when nothing has come yet */
export function readNow(fd: number, buffer: Buffer): number {
  try {
    return readSync(fd, buffer);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EAGAIN' ? -1 : 0;
  }
}
