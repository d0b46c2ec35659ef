import type { Socket } from 'node:net';
import type { Identity } from '../../access/access.ts';

export interface ConnectionLimits {
  /**
   * Open at the same time. For one more, the one that has been idle for the longest time is closed, of those that
   * never made a call if there are any; when all are in use, the new one.
   */
  readonly connections: number;
  /** A connection over which nothing came for so long, not even a TLS handshake, is closed. */
  readonly firstWordMs: number;
}

export const CONNECTION_LIMITS: ConnectionLimits = {
  // Each takes a file descriptor and some 50 KB.
  connections: 512,
  firstWordMs: 10_000,
};

/** What a client sends first: the preface and the head of its settings (RFC 9113 section 3.4). */
const FIRST_WORD_BYTES = 33;

/** A client's connection. */
export class Connection {
  readonly #socket: Socket;
  /** `address:port` of the client, as grpc-js names it. */
  readonly name: string;
  /** Who is at the other end, as far as it is known yet. */
  identity: Identity;
  readonly #openedMs = performance.now();
  #calls = 0;
  #hasMadeCalls = false;
  #lastUsedMs = this.#openedMs;

  constructor(socket: Socket, identity: Identity) {
    this.#socket = socket;
    this.identity = identity;
    this.name = `${socket.remoteAddress}:${socket.remotePort}`;
  }

  get isIdle(): boolean {
    return this.#calls === 0;
  }

  /** Whether it goes before another one, when one has to. Both are idle. */
  goesBefore(other: Connection): boolean {
    if (this.#hasMadeCalls !== other.#hasMadeCalls) return other.#hasMadeCalls;
    return this.#lastUsedMs < other.#lastUsedMs;
  }

  isSilent(nowMs: number, limitMs: number): boolean {
    return nowMs - this.#openedMs > limitMs && this.#socket.bytesRead < FIRST_WORD_BYTES;
  }

  /** A call has begun. @returns what ends it; once */
  use(): () => void {
    this.#calls += 1;
    this.#hasMadeCalls = true;
    this.#lastUsedMs = performance.now();
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      this.#calls -= 1;
      this.#lastUsedMs = performance.now();
    };
  }

  /** Drops it, with all its calls and what they keep. */
  cut(): void {
    this.#socket.destroy();
  }

  closed(): Promise<void> {
    return new Promise((resolve) => this.#socket.once('close', () => resolve()));
  }
}

/** Told of a connection that is closed for want of room, or because nothing came over it. */
type ClosedForCause = (cause: 'connections' | 'silent', connection: Connection) => void;

/** Keeps connections within limits. */
export class Connections {
  readonly #limits: ConnectionLimits;
  readonly #open = new Map<string, Connection>();
  readonly #closed: ClosedForCause;
  #acceptedCount = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(limits: ConnectionLimits, closed: ClosedForCause) {
    this.#limits = limits;
    this.#closed = closed;
  }

  /** How many there are, and how many were taken since the start. */
  figures(): { readonly connections: number; readonly accepted: number } {
    return { connections: this.#open.size, accepted: this.#acceptedCount };
  }

  start(): void {
    this.#timer = setInterval(() => this.#sweep(), this.#limits.firstWordMs / 4);
    this.#timer.unref();
  }

  /** @returns undefined when it may not be served */
  add(socket: Socket, identity: Identity): Connection | undefined {
    const connection = new Connection(socket, identity);
    socket.once('close', () => this.#forget(connection));
    // A connection that breaks ends its calls; there is nothing else to do about it.
    socket.on('error', () => socket.destroy());
    if (this.#open.size >= this.#limits.connections && !this.#makeRoom()) {
      this.#closed('connections', connection);
      socket.destroy();
      return undefined;
    }
    this.#acceptedCount += 1;
    this.#open.set(connection.name, connection);
    return connection;
  }

  /** How many are open. */
  get size(): number {
    return this.#open.size;
  }

  /** @param name as grpc-js names the peer of a call; undefined when it has gone */
  find(name: string): Connection | undefined {
    return this.#open.get(name);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  cutAll(): void {
    for (const connection of this.#open.values()) connection.cut();
  }

  /** Resolves when none is left. */
  async closed(): Promise<void> {
    await Promise.all([...this.#open.values()].map((connection) => connection.closed()));
  }

  /** Closes a connection that is idle: see ConnectionLimits. @returns whether there was one */
  #makeRoom(): boolean {
    let first: Connection | undefined;
    for (const connection of this.#open.values()) {
      if (!connection.isIdle) continue;
      if (first === undefined || connection.goesBefore(first)) first = connection;
    }
    if (first === undefined) return false;
    this.#closed('connections', first);
    first.cut();
    this.#forget(first);
    return true;
  }

  #forget(connection: Connection): void {
    if (this.#open.get(connection.name) === connection) this.#open.delete(connection.name);
  }

  #sweep(): void {
    const nowMs = performance.now();
    for (const connection of this.#open.values()) {
      if (!connection.isSilent(nowMs, this.#limits.firstWordMs)) continue;
      this.#closed('silent', connection);
      connection.cut();
    }
  }
}
