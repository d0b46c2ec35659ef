import type { Metadata } from '@grpc/grpc-js';
import type { Access, Identity } from '../access/access.ts';
import { FloxyError } from '../base/errors.ts';
import type { Caller } from '../model/caller.ts';
import type { Connection } from './front/connections.ts';
import type { NeededRole } from './method.ts';
import type { Rejections } from './rejections.ts';

/** What a call is before anything of its request is read. */
export interface Arrival {
  readonly path: string;
  readonly metadata: Metadata;
  /** undefined when it has gone. */
  readonly connection: Connection | undefined;
}

interface Admitted {
  readonly caller: Caller;
  readonly identity: Identity | undefined;
}

/** Lets calls in by who makes them, before anything of their requests is read or kept. */
export class Gate {
  readonly #access: Access;
  readonly #rejections: Rejections;
  readonly #roleOf: (path: string) => NeededRole | undefined;
  /** By what grpc-js hands on to handlers. */
  readonly #admitted = new WeakMap<Metadata, Admitted>();

  /** @param roleOf what a method needs; undefined when there is no such method */
  constructor(
    access: Access,
    rejections: Rejections,
    roleOf: (path: string) => NeededRole | undefined,
  ) {
    this.#access = access;
    this.#rejections = rejections;
    this.#roleOf = roleOf;
  }

  /** @throws FloxyError UNAUTHENTICATED, PERMISSION_DENIED; NOT_READY when the client has gone */
  letIn({ path, metadata, connection }: Arrival): void {
    const needed = this.#roleOf(path);
    // grpc-js says that there is no such method.
    if (needed === undefined) return;
    if (connection === undefined) throw new FloxyError('NOT_READY', 'the client has gone');
    const { identity } = connection;
    if (needed === 'nobody') {
      const { who, from } = identity;
      const caller: Caller = { who, from, role: 'viewer' };
      this.#admitted.set(metadata, { caller, identity: undefined });
      return;
    }
    let known = identity;
    try {
      known = this.#access.authenticate(identity, metadata.get('authorization').map(String));
      const call = path.slice(path.lastIndexOf('/') + 1);
      const caller = this.#access.authorise(known, needed, call);
      this.#admitted.set(metadata, { caller, identity: known });
    } catch (error) {
      this.#count(error, path, known);
      throw error;
    }
    // Handlers and what they log have no use for it.
    metadata.remove('authorization');
  }

  /** @throws Error for a call that was not let in */
  callerOf(metadata: Metadata): Caller {
    const { caller } = this.#admitted.get(metadata) ?? {};
    if (caller === undefined) throw new Error('a call came past the gate');
    return caller;
  }

  /** For streams, which go on for long. @throws FloxyError UNAUTHENTICATED when their token is not in force any more */
  checkStill(metadata: Metadata): void {
    const { identity } = this.#admitted.get(metadata) ?? {};
    if (identity !== undefined) this.#access.checkStill(identity);
  }

  #count(error: unknown, path: string, { who, from }: Identity): void {
    if (!(error instanceof FloxyError)) return;
    const cause = error.code === 'PERMISSION_DENIED' ? 'role' : 'credentials';
    const details = { call: path.slice(1), who, from, reason: error.message };
    this.#rejections.add(cause, 'the API refuses a call', details);
  }
}
