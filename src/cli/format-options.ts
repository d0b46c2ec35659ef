import { type Command, InvalidArgumentError, Option } from 'commander';
import { messageOf } from '../base/errors.ts';
import {
  ADDRESS_FORMAT_HEADER,
  CHANGE_MESSAGE_HEADER,
  changeMessageHeader,
  DRY_RUN_HEADER,
  EXPECTED_REVISION_HEADER,
  OVERRIDE_FOLLOWER_HEADER,
  readChangeMessage,
} from '../protocol/headers.ts';
import type { MessageFormat } from './messages.ts';

/** Options that say how messages are read and printed, and which headers go with a call. */
export interface FormatOptions {
  /** Absent: text, and JSON for a file whose name ends in .json. */
  readonly format?: MessageFormat;
  readonly addressFormat?: 'text' | 'binary';
  readonly revision?: boolean;
  readonly expectedRevision?: string;
  readonly overrideFollower?: boolean;
  readonly dryRun?: boolean;
  readonly message?: string;
}

export function addFormatOption(command: Command): Command {
  return command.addOption(
    new Option(
      '--format <format>',
      'protobuf text or JSON (default: text; JSON for a file whose name ends in .json)',
    ).choices(['text', 'json']),
  );
}

/** For calls that answer endpoints. */
export function addAddressFormatOption(command: Command): Command {
  return command.addOption(
    new Option(
      '--address-format <format>',
      'addresses as text (host) or as bytes (octets) (default: text)',
    ).choices(['text', 'binary']),
  );
}

/** For calls that answer the revision of the rules. */
export function addRevisionOption(command: Command): Command {
  return command.option('--revision', 'print the revision of the rules to standard error');
}

/** For calls that change rules. */
export function addExpectedRevisionOption(command: Command): Command {
  return command.option(
    '--expected-revision <number>',
    'fail when the rules are not at this revision',
    parseRevision,
  );
}

/** For calls that change rules. */
export function addOverrideFollowerOption(command: Command): Command {
  return command.option(
    '--override-follower',
    'change the rules of a node that follows another, until they change there',
  );
}

/** For calls that change rules. */
export function addDryRunOption(command: Command): Command {
  return command.option('--dry-run', 'print what would change, and change nothing');
}

/** For calls that change rules. */
export function addMessageOption(command: Command): Command {
  return command.option(
    '-m, --message <text>',
    'why, for the log and the history: one line',
    parseChangeMessage,
  );
}

/** The request's headers for the options given. */
export function requestHeaders(options: FormatOptions): Record<string, string> {
  const { addressFormat, expectedRevision, overrideFollower, dryRun, message } = options;
  return {
    ...(addressFormat !== undefined && { [ADDRESS_FORMAT_HEADER]: addressFormat }),
    ...(expectedRevision !== undefined && { [EXPECTED_REVISION_HEADER]: expectedRevision }),
    ...(overrideFollower && { [OVERRIDE_FOLLOWER_HEADER]: 'true' }),
    ...(dryRun && { [DRY_RUN_HEADER]: 'true' }),
    ...(message !== undefined && changeMessageHeader(message)),
  };
}

function parseRevision(text: string): string {
  if (/^\d{1,15}$/.test(text)) return text;
  throw new InvalidArgumentError('Revisions are whole numbers.');
}

function parseChangeMessage(text: string): string {
  try {
    readChangeMessage({ [CHANGE_MESSAGE_HEADER]: encodeURIComponent(text.toWellFormed()) });
    return text;
  } catch (error) {
    throw new InvalidArgumentError(messageOf(error).replace(/^header [\w-]+: /, ''));
  }
}
