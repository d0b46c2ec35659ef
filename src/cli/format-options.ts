import { type Command, InvalidArgumentError, Option } from 'commander';
import {
  ADDRESS_FORMAT_HEADER,
  EXPECTED_REVISION_HEADER,
  OVERRIDE_FOLLOWER_HEADER,
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

/** The request's headers for the options given. */
export function requestHeaders(options: FormatOptions): Record<string, string> {
  const { addressFormat, expectedRevision, overrideFollower } = options;
  return {
    ...(addressFormat !== undefined && { [ADDRESS_FORMAT_HEADER]: addressFormat }),
    ...(expectedRevision !== undefined && { [EXPECTED_REVISION_HEADER]: expectedRevision }),
    ...(overrideFollower && { [OVERRIDE_FOLLOWER_HEADER]: 'true' }),
  };
}

function parseRevision(text: string): string {
  if (/^\d{1,15}$/.test(text)) return text;
  throw new InvalidArgumentError('Revisions are whole numbers.');
}
