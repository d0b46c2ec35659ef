/** `floxy backup` and `floxy restore`. */
import { createReadStream, existsSync } from 'node:fs';
import { type FileHandle, link, open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { type DescMessage, type Message, toJson } from '@bufbuild/protobuf';
import type { Command } from 'commander';
import { messageOf } from '../base/errors.ts';
import { dateAndTime } from '../base/text.ts';
import type {
  BackupInfoMessage,
  BackupPartMessage,
  RestoreResponseMessage,
} from '../protocol/history-messages.ts';
import { readAccess } from './access-options.ts';
import { type ApiAccess, streamApi, uploadApi } from './api-client.ts';
import { CliError, EXIT } from './exit.ts';
import { type FormatOptions, requestHeaders } from './format-options.ts';
import { sideOf } from './history-commands.ts';
import { findMethod, makeMessage } from './messages.ts';
import { addChangeOptions } from './rules-change.ts';
import { compareRuleSets, printDifference } from './rules-difference.ts';
import type { Terminal } from './terminal.ts';

const HISTORY = 'collector.proto.History';

/** Only its owner may read it: it has all that the service knows. */
const FILE_MODE = 0o600;

/** What is sent at once: the service takes messages of 64 KiB. */
const CHUNK_BYTES = 60 * 1024;

const FATES: Readonly<Record<NonNullable<RestoreResponseMessage['pipelines']>, string>> = {
  NoPipelines: 'the backup has none',
  Same: 'the same',
  Replaced: 'those of the backup',
  OwnedByFile: 'a file of the node owns them, they stay as they are',
};

/** Adds the commands. */
export function addBackupCommands(program: Command, terminal: Terminal): void {
  addBackupCommand(program, terminal);
  addRestoreCommand(program, terminal);
}

function addBackupCommand(program: Command, terminal: Terminal): void {
  program
    .command('backup')
    .description('write a copy of all that the running service keeps: rules, history, pipelines')
    .argument('<file>', 'where to; only its owner may read it')
    .option('--force', 'replace a file that is there')
    .action(async (file: string, { force = false }: { force?: boolean }, command: Command) => {
      if (!force && existsSync(file)) throw exists(file);
      const access = readAccess(command, terminal.env);
      const { info, bytes } = await receive(access, file, force);
      await terminal.print(`${file}: ${describe(info)}, ${bytes.toLocaleString('en')} bytes\n`);
    });
}

/** The file gets its name when it is whole and on disk. */
async function receive(access: ApiAccess, file: string, force: boolean) {
  const draft = path.join(path.dirname(file), `.${path.basename(file)}.${process.pid}`);
  const fresh = await open(draft, 'wx', FILE_MODE).catch((error: unknown) => {
    throw cannotWrite(file, error);
  });
  try {
    const received = await writeParts(access, fresh, file);
    await fresh.sync();
    await fresh.close();
    await (force ? rename(draft, file) : link(draft, file)).catch((error: unknown) => {
      throw (error as NodeJS.ErrnoException).code === 'EEXIST'
        ? exists(file)
        : cannotWrite(file, error);
    });
    return received;
  } finally {
    await fresh.close().catch(() => undefined);
    await rm(draft, { force: true });
  }
}

async function writeParts(access: ApiAccess, fresh: FileHandle, file: string) {
  const method = findMethod('floxy', HISTORY, 'Backup');
  let first: BackupPartMessage = {};
  let bytes = 0;
  const { signal } = new AbortController();
  for await (const message of streamApi(access, method, makeMessage(method.input, {}), signal)) {
    const { data } = message as Message & { readonly data: Uint8Array };
    bytes += data.length;
    if (data.length === 0) first = toJson(method.output, message) as unknown as BackupPartMessage;
    else {
      await fresh.write(data).catch((error: unknown) => {
        throw cannotWrite(file, error);
      });
    }
  }
  if (first.size !== bytes.toString()) {
    throw new CliError(
      EXIT.failed,
      `the backup is not whole: ${bytes} of ${first.size} bytes came`,
    );
  }
  return { info: first.info, bytes };
}

function addRestoreCommand(program: Command, terminal: Terminal): void {
  const restore = program
    .command('restore')
    .description(
      'make rules and pipelines of the running service those of a backup, as a new revision; print what changes',
    )
    .argument('<file>', 'as `floxy backup` wrote it, or the file of a database');
  addChangeOptions(restore).action(
    async (file: string, options: FormatOptions, command: Command) => {
      const access = readAccess(command, terminal.env);
      const method = findMethod('floxy', HISTORY, 'Restore');
      const messages = await uploadApi(
        access,
        method,
        chunksOf(file, method.input),
        requestHeaders(options),
      ).catch((error: unknown) => {
        throw error instanceof CliError
          ? new CliError(error.exitCode, `${file}: ${error.message}`)
          : error;
      });
      const parts = messages.map((message) =>
        toJson(method.output, message),
      ) as unknown as RestoreResponseMessage[];
      await terminal.print(report(parts, options));
    },
  );
}

async function* chunksOf(file: string, schema: DescMessage): AsyncGenerator<Message> {
  const input = createReadStream(file, { highWaterMark: CHUNK_BYTES });
  try {
    for await (const chunk of input) {
      yield makeMessage(schema, { data: (chunk as Buffer).toString('base64') });
    }
  } catch (error) {
    throw new CliError(EXIT.usage, `cannot be read: ${messageOf(error)}`, { cause: error });
  }
}

function report(parts: readonly RestoreResponseMessage[], { dryRun }: FormatOptions): string {
  const [{ backup, size, revision = '0', pipelines = 'NoPipelines' } = {}] = parts;
  const difference = compareRuleSets(sideOf(parts, 'before'), sideOf(parts, 'after'));
  const order = size?.moved ? 'rules change their places\n' : '';
  const isNothing = difference.entries.length === 0 && order === '';
  const outcome = dryRun
    ? `dry run, nothing was changed: revision ${revision} stays`
    : isNothing
      ? `the rules are those of the backup already: revision ${revision} stays`
      : `the rules are those of the backup, as revision ${revision}`;
  return `# backup: ${describe(backup)}\n${printDifference(difference)}${order}pipelines: ${FATES[pipelines]}\n${outcome}\n`;
}

function describe(info: BackupInfoMessage | undefined): string {
  const { revision = '0', rules = '0', madeAt, version } = info ?? {};
  const made = madeAt === undefined ? '' : `, made ${dateAndTime(madeAt)} UTC`;
  const by = version === undefined ? '' : ` by floxy ${version}`;
  return `revision ${revision}, ${rules} rules${made}${by}${info?.pipelines ? ', with pipelines' : ''}`;
}

function exists(file: string): CliError {
  return new CliError(EXIT.usage, `${file} exists: pass --force to replace it`);
}

function cannotWrite(file: string, error: unknown): CliError {
  return new CliError(EXIT.failed, `${file} cannot be written: ${messageOf(error)}`, {
    cause: error,
  });
}
