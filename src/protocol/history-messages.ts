/** The messages of proto/history.proto, as messages.ts shows those of the other files. */
import type { Unchecked } from '../rules/endpoint-message.ts';
import type { ExporterMessage, RuleMessage } from '../rules/message.ts';
import type { OutputMessage } from '../rules/output-message.ts';
import type { ProxyRulesMessage } from './messages.ts';

export interface ChangeSizeMessage {
  readonly added: string;
  readonly removed: string;
  readonly changed: string;
  readonly defaultOutputsChanged: boolean;
  readonly moved: boolean;
}

export interface RevisionMessage {
  readonly number: string;
  readonly at?: string;
  readonly author?: string;
  readonly from?: string;
  readonly call?: string;
  readonly message?: string;
  readonly rules?: string;
  readonly change?: ChangeSizeMessage;
  readonly restorable: boolean;
}

export interface RuleDifferenceMessage {
  readonly before?: RuleMessage;
  readonly after?: RuleMessage;
}

export interface RulesDifferenceMessage {
  readonly rules?: readonly RuleDifferenceMessage[];
  readonly defaultOutputs?: {
    readonly before: readonly OutputMessage[];
    readonly after: readonly OutputMessage[];
  };
}

export interface ListRevisionsRequestMessage {
  readonly limit?: number;
  /** Decimal, as all 64-bit numbers. */
  readonly before?: string;
  readonly exporter?: Unchecked<ExporterMessage> | null;
}

export interface ListRevisionsResponseMessage {
  readonly revisions: readonly RevisionMessage[];
  readonly nextBefore?: string;
}

export interface GetRevisionRequestMessage {
  readonly revision?: string;
  readonly difference?: string;
  readonly rules?: boolean;
}

export interface RevisionPartMessage {
  readonly revision?: RevisionMessage;
  readonly current?: string;
  readonly size?: ChangeSizeMessage;
  readonly difference?: RulesDifferenceMessage;
  readonly rules?: ProxyRulesMessage;
}

export interface RollbackRulesRequestMessage {
  readonly revision?: string;
}

export interface BackupInfoMessage {
  readonly revision: string;
  readonly rules: string;
  readonly madeAt?: string;
  readonly version?: string;
  readonly pipelines: boolean;
}

export interface BackupPartMessage {
  readonly info?: BackupInfoMessage;
  readonly size?: string;
  readonly data?: Uint8Array;
}

export interface RestoreRequestMessage {
  readonly data?: Uint8Array;
}

export interface RestoreResponseMessage {
  readonly backup?: BackupInfoMessage;
  readonly size?: ChangeSizeMessage;
  readonly revision?: string;
  readonly pipelines?: 'NoPipelines' | 'Same' | 'Replaced' | 'OwnedByFile';
  readonly difference?: RulesDifferenceMessage;
}
