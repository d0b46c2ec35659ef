/** What control and the thread of the database say to each other. Structured clones: no classes. */

import type { ErrorCode } from '../base/errors.ts';
import type { HistoryLimits } from '../model/history.ts';
import type { SubsystemStatus } from '../model/status.ts';
import type { Piece } from './long-lists.ts';
import type { LogLevel, SqliteRuleStore } from './sqlite-rule-store.ts';
import type { StoreQuestions } from './store-questions.ts';

/** What the thread is started with. */
export interface ThreadOptions {
  readonly path: string;
  readonly historyLimits: HistoryLimits;
}

/** What is called through the thread. */
export type StoreMethods = Pick<SqliteRuleStore, 'open' | 'write' | 'close'> & {
  readonly [Name in keyof StoreQuestions]: StoreQuestions[Name];
};
export type StoreMethod = keyof StoreMethods;
export type StoreArguments<M extends StoreMethod> = Parameters<StoreMethods[M]>;
export type StoreResult<M extends StoreMethod> = ReturnType<StoreMethods[M]>;

/** A call is answered, in the order of calls; the pieces of long lists come before it, and before the answer. */
export type ThreadRequest =
  | { readonly kind: 'piece'; readonly piece: Piece }
  | { readonly kind: 'call'; readonly method: StoreMethod; readonly args: readonly unknown[] };

export type ThreadMessage =
  | { readonly kind: 'piece'; readonly piece: Piece }
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
