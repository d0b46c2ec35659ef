/** What control and the thread of the database say to each other. Structured clones: no classes. */

import type { ErrorCode } from '../base/errors.ts';
import type { RestoredRules, StoredUpdate } from '../control/ports.ts';
import type { FollowedRevision, Output, Rule } from '../model/rules.ts';
import type { SubsystemStatus } from '../model/status.ts';
import type { LogLevel } from './sqlite-rule-store.ts';

/** What the thread is started with. */
export interface ThreadOptions {
  readonly path: string;
}

/** Each is answered, in their order, but for `rules`. */
export type ThreadRequest =
  | { readonly kind: 'open' }
  /** The next rules of the replacement or update that follows: all at once would stop control for a while. */
  | { readonly kind: 'rules'; readonly rules: readonly Rule[] }
  | {
      readonly kind: 'replaceAll';
      readonly revision: number;
      readonly defaultOutputs: readonly Output[];
      readonly followed: FollowedRevision | undefined;
    }
  | {
      readonly kind: 'update';
      readonly revision: number;
      readonly update: Omit<StoredUpdate, 'upserts'>;
      readonly followed: FollowedRevision | undefined;
    }
  | { readonly kind: 'saveFollowed'; readonly followed: FollowedRevision }
  | { readonly kind: 'close' };

export type ThreadMessage =
  | {
      readonly kind: 'log';
      readonly level: LogLevel;
      readonly fields: object;
      readonly message: string;
    }
  | {
      readonly kind: 'answer';
      /** Only of `open`. */
      readonly restored?: RestoredRules;
      readonly failure?: ThreadFailure;
      readonly status: SubsystemStatus;
    };

export interface ThreadFailure {
  /** undefined: a fault of the program. */
  readonly code: ErrorCode | undefined;
  readonly message: string;
  readonly stack: string | undefined;
}
