/** What control and the thread of the database say to each other. Structured clones: no classes. */

import type { ErrorCode } from '../base/errors.ts';
import type { SubsystemStatus } from '../model/status.ts';
import type { Piece } from './long-lists.ts';
import type { LogLevel, SqliteRuleStore } from './sqlite-rule-store.ts';

/** What the thread is started with. */
export interface ThreadOptions {
  readonly path: string;
}

/** The methods of the store that are called through the thread. */
export type StoreMethod = 'open' | 'write' | 'close';
export type StoreArguments<M extends StoreMethod> = Parameters<SqliteRuleStore[M]>;
export type StoreResult<M extends StoreMethod> = ReturnType<SqliteRuleStore[M]>;

/** A call is answered, in the order of calls; the pieces of its long lists come before it. */
export type ThreadRequest =
  | { readonly kind: 'piece'; readonly piece: Piece }
  | { readonly kind: 'call'; readonly method: StoreMethod; readonly args: readonly unknown[] };

export type ThreadMessage =
  | {
      readonly kind: 'log';
      readonly level: LogLevel;
      readonly fields: object;
      readonly message: string;
    }
  | {
      readonly kind: 'answer';
      readonly result?: unknown;
      readonly failure?: ThreadFailure;
      readonly status: SubsystemStatus;
    }
  /** When it is another than before. */
  | { readonly kind: 'status'; readonly status: SubsystemStatus };

export interface ThreadFailure {
  /** undefined: a fault of the program. */
  readonly code: ErrorCode | undefined;
  readonly message: string;
  readonly stack: string | undefined;
}
