import path from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import {
  addToken,
  readTokens,
  removeToken,
  type StoredToken,
  TOKEN_NAME,
} from '../access/token-file.ts';
import { FloxyError } from '../base/errors.ts';
import { ROLES, type Role } from '../model/caller.ts';
import { CliError, EXIT } from './exit.ts';
import { addOutputOption, type OutputOptions } from './output.ts';
import { formatTable } from './table.ts';
import type { Terminal } from './terminal.ts';

const FILE_VARIABLE = 'COLLECTOR_API_TOKENS_FILE';
const DAY_MS = 86_400_000;
/** Ten years. */
const MAX_DAYS = 3650;

interface FileOption {
  readonly file?: string;
}

interface AddOptions extends FileOption {
  readonly role: Role;
  readonly expires?: Date;
}

/** Adds `floxy tokens …`: they write the file, and a service that runs reads it again at once. */
export function addTokensCommands(program: Command, terminal: Terminal): void {
  const tokens = program
    .command('tokens')
    .description(
      'tokens that callers of the API can send, in the file of COLLECTOR_API_TOKENS_FILE',
    );
  const command = (usage: string) =>
    tokens.command(usage).option('--file <file>', `the file (default: ${FILE_VARIABLE})`);
  command('add')
    .description('make a token, and print it: nobody can find out later what it was')
    .argument('<name>', 'what the log calls who sends it', parseName)
    .addOption(
      new Option('--role <role>', 'what who sends it may do').choices(ROLES).makeOptionMandatory(),
    )
    .option(
      '--expires <when>',
      'days from now, such as 90d, or a date, such as 2027-01-31',
      parseEnd,
    )
    .action(async (name: string, options: AddOptions) => {
      const file = fileOf(options, terminal.env);
      const { role, expires } = options;
      const token = attempt(() => addToken(file, { name, role, expires }));
      await terminal.print(`${token}\n`);
      const end = expires === undefined ? 'does not expire' : `expires ${expires.toISOString()}`;
      terminal.printError(`token ${name} (${role}, ${end}) is in ${file}; it is shown this once\n`);
    });
  addOutputOption(command('list'), 'table', ['table', 'json'])
    .description('show whom there are tokens for')
    .action(async (options: FileOption & OutputOptions<'table' | 'json'>) => {
      const found = attempt(() => readTokens(fileOf(options, terminal.env)));
      await terminal.print(options.output === 'json' ? asJson(found) : asTable(found));
    });
  command('remove <name>')
    .description('make a token invalid, from the next call on')
    .action((name: string, options: FileOption) => {
      const file = fileOf(options, terminal.env);
      attempt(() => removeToken(file, name));
      terminal.printError(`token ${name} is not in ${file} any more\n`);
    });
}

/** @throws CliError */
function fileOf({ file }: FileOption, env: NodeJS.ProcessEnv): string {
  const found = file ?? env[FILE_VARIABLE];
  if (found) return path.resolve(found);
  const message = `which file? Give --file, or set ${FILE_VARIABLE} to that of the service`;
  throw new CliError(EXIT.usage, message);
}

/** What cannot be done is no fault of the command line. */
function attempt<T>(act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof FloxyError)) throw error;
    throw new CliError(EXIT.failed, error.message, { cause: error });
  }
}

function asTable(tokens: readonly StoredToken[]): string {
  const columns = [{ head: 'NAME' }, { head: 'ROLE' }, { head: 'CREATED' }, { head: 'EXPIRES' }];
  const rows = tokens.map(({ name, role, created, expires }) => [
    name,
    role,
    shortTime(created),
    expires === undefined ? '-' : `${shortTime(expires)}${isOver(expires) ? ' (expired)' : ''}`,
  ]);
  return formatTable(columns, rows);
}

function asJson(tokens: readonly StoredToken[]): string {
  const shown = tokens.map(({ sha256: _hash, ...rest }) => rest);
  return `${JSON.stringify({ tokens: shown }, undefined, 2)}\n`;
}

/** `2026-11-26 10:06`, in UTC. */
function shortTime(time: string): string {
  return new Date(time).toISOString().slice(0, 16).replace('T', ' ');
}

function isOver(time: string): boolean {
  return Date.parse(time) <= Date.now();
}

/** @throws InvalidArgumentError (of commander) */
function parseName(text: string): string {
  if (TOKEN_NAME.test(text)) return text;
  throw new InvalidArgumentError(
    'Names have up to 63 letters, digits, dots, underscores and hyphens; the first is a letter or digit.',
  );
}

/** @throws InvalidArgumentError (of commander) */
function parseEnd(text: string): Date {
  const days = /^([1-9]\d{0,3})d$/.exec(text)?.[1];
  const end =
    days === undefined
      ? new Date(/^\d{4}-\d\d-\d\d(T.*)?$/.test(text) ? text : Number.NaN)
      : new Date(Date.now() + Number(days) * DAY_MS);
  const limitMs = Date.now() + MAX_DAYS * DAY_MS;
  if (end.getTime() > Date.now() && end.getTime() <= limitMs) return end;
  throw new InvalidArgumentError(
    'Give days from now, such as 90d, or a date to come, such as 2027-01-31; ten years at most.',
  );
}
