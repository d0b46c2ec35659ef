/** The handlers of collector.proto.History for backups. */
import type { Backups } from '../control/backups.ts';
import type { ChangeResult } from '../control/control.ts';
import type { BackupContent, BackupExtra } from '../model/history.ts';
import type { BuildInfo } from '../model/status.ts';
import { readDryRun } from '../protocol/headers.ts';
import { fromDifference, fromSize } from '../protocol/history-codec.ts';
import type {
  BackupInfoMessage,
  BackupPartMessage,
  RestoreRequestMessage,
  RestoreResponseMessage,
} from '../protocol/history-messages.ts';
import { sizeOf } from '../rules/undo.ts';
import type { CallContext } from './call-context.ts';
import { type ChangeParts, makeChange } from './make-change.ts';
import type { ChatHandler, RequestLimits, StreamHandler } from './method.ts';
import type { PipelineControl } from './pipelines.ts';
import { SMALL_BYTES } from './workload.ts';

export interface BackupParts {
  readonly changes: ChangeParts;
  readonly backups: Pick<Backups, 'make' | 'read'>;
  readonly pipelines: Pick<PipelineControl, 'document' | 'check' | 'replace'>;
  readonly buildInfo: BuildInfo;
}

/** Of one message of a backup that comes. */
export const BACKUP_LIMITS: RequestLimits = { maxBytes: SMALL_BYTES, maxItems: 0 };

/** The handler of Backup. */
export function makeBackup(parts: BackupParts): StreamHandler<object> {
  const { backups, pipelines, buildInfo, changes } = parts;
  return async function* backup(_request, { caller, stopping }) {
    const { text, file: owner } = pipelines.document;
    const extra: BackupExtra = {
      madeAt: new Date().toISOString(),
      version: buildInfo.version,
      pipelines: owner === undefined ? text : undefined,
    };
    await using made = await backups.make(extra);
    const { revision, rules, bytes } = made.file;
    const record = { call: 'Backup', who: caller.who, from: caller.from, revision, bytes };
    changes.log.info(record, 'backup made');
    const info = infoOf({ ...extra, revision, rules });
    const first: BackupPartMessage = { info, size: bytes.toString() };
    yield first;
    for await (const data of made.chunks()) {
      if (stopping.aborted) return;
      yield { data };
    }
  };
}

/** The handler of Restore. */
export function restoreBackup(parts: BackupParts): ChatHandler {
  return async function* restore(requests, context) {
    const backup = await parts.backups.read(dataOf(requests));
    const fate = await fateOfPipelines(parts, backup);
    const before = parts.changes.control.rules().ruleSet;
    const change = { kind: 'replace', ruleSet: backup.ruleSet } as const;
    const { result } = await makeChange(parts.changes, { call: 'Restore', change }, context);
    if (fate === 'Replaced') await replacePipelines(parts, backup, context);
    yield responseOf(backup, result, fate);
    const compared = { from: before, to: backup.ruleSet, difference: result.difference };
    for (const difference of fromDifference(compared, context.addressFormat)) yield { difference };
  };
}

async function* dataOf(requests: AsyncIterable<object>): AsyncGenerator<Uint8Array> {
  for await (const { data } of requests as AsyncIterable<RestoreRequestMessage>) {
    if (data !== undefined) yield data;
  }
}

type Fate = NonNullable<RestoreResponseMessage['pipelines']>;

/** Before anything is changed: a document that is wrong stops all of it. */
async function fateOfPipelines(
  { pipelines }: BackupParts,
  { pipelines: text }: BackupContent,
): Promise<Fate> {
  if (text === undefined) return 'NoPipelines';
  const { text: present, file } = pipelines.document;
  if (file !== undefined) return 'OwnedByFile';
  if (text === present) return 'Same';
  await pipelines.check(text);
  return 'Replaced';
}

async function replacePipelines(
  { pipelines, changes }: BackupParts,
  { pipelines: text = '' }: BackupContent,
  { caller, headers }: CallContext,
): Promise<void> {
  if (readDryRun(headers)) return;
  await pipelines.replace(text);
  changes.log.info({ call: 'Restore', who: caller.who, from: caller.from }, 'pipelines changed');
}

function responseOf(
  backup: BackupContent,
  { revision, difference }: ChangeResult,
  pipelines: Fate,
): RestoreResponseMessage {
  return {
    backup: infoOf({ ...backup, rules: backup.ruleSet.rules.length }),
    size: fromSize(sizeOf(difference)),
    revision: revision.toString(),
    pipelines,
  };
}

function infoOf({
  revision,
  rules,
  madeAt,
  version,
  pipelines,
}: Omit<BackupContent, 'ruleSet'> & { readonly rules: number }): BackupInfoMessage {
  return {
    revision: revision.toString(),
    rules: rules.toString(),
    ...(madeAt !== undefined && { madeAt }),
    ...(version !== undefined && { version }),
    pipelines: pipelines !== undefined,
  };
}
