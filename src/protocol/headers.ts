import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http2';
import { FloxyError } from '../base/errors.ts';
import type { RulesDifference } from '../rules/comparison.ts';
import type { AddressFormat } from '../rules/endpoint-message.ts';

/** Request headers. */
export const ADDRESS_FORMAT_HEADER = 'collector-address-format';
export const EXPECTED_REVISION_HEADER = 'collector-expected-rules-revision';
export const OVERRIDE_FOLLOWER_HEADER = 'collector-override-follower';
export const CHANGE_MESSAGE_HEADER = 'collector-change-message';
/** Of a request: nothing is to change. Of an answer: see dryRunSupport() and changeHeaders(). */
export const DRY_RUN_HEADER = 'collector-dry-run';

/** Header of answers: the revision of the rules (spec A9). */
export const REVISION_HEADER = 'collector-rules-revision';
/** Header of answers to changes: how many rules they added, removed and changed (spec A40). */
export const DIFFERENCE_HEADER = 'collector-rules-difference';
/** Header of answers to changes: what the caller should know of what was taken (spec A40). */
export const WARNINGS_HEADER = 'collector-warnings';

/** Of a change's message, in UTF-8. */
const MAX_MESSAGE_BYTES = 512;

/** Spec E4. @throws FloxyError INVALID_INPUT */
export function readAddressFormat(request: IncomingHttpHeaders): AddressFormat {
  const value = singleValue(request, ADDRESS_FORMAT_HEADER) ?? 'text';
  if (value === 'text' || value === 'binary') return value;
  throw new FloxyError(
    'INVALID_INPUT',
    `header ${ADDRESS_FORMAT_HEADER}: ${JSON.stringify(value)} is neither "text" nor "binary"`,
  );
}

/**
 * The revision that the caller expects the rules to be at (spec A9).
 *
 * @returns undefined when the caller expects none
 * @throws FloxyError INVALID_INPUT
 */
export function readExpectedRevision(request: IncomingHttpHeaders): number | undefined {
  const value = singleValue(request, EXPECTED_REVISION_HEADER);
  if (value === undefined) return undefined;
  const revision = /^\d{1,16}$/.test(value) ? Number(value) : Number.NaN;
  if (Number.isSafeInteger(revision)) return revision;
  throw new FloxyError(
    'INVALID_INPUT',
    `header ${EXPECTED_REVISION_HEADER}: ${JSON.stringify(value)} is not a revision (a decimal number)`,
  );
}

/**
 * Whether rules are to be changed although they are those of another node.
 * @throws FloxyError INVALID_INPUT
 */
export function readOverrideFollower(request: IncomingHttpHeaders): boolean {
  return readFlag(request, OVERRIDE_FOLLOWER_HEADER);
}

/** Whether a change is only to be tried (spec A40). @throws FloxyError INVALID_INPUT */
export function readDryRun(request: IncomingHttpHeaders): boolean {
  return readFlag(request, DRY_RUN_HEADER);
}

/**
 * Why a change is made, in the words of the caller: percent-encoded UTF-8, up to 512 octets when it is decoded, one
 * line (spec A41).
 *
 * @returns undefined when the caller says nothing
 * @throws FloxyError INVALID_INPUT
 */
export function readChangeMessage(request: IncomingHttpHeaders): string | undefined {
  const value = singleValue(request, CHANGE_MESSAGE_HEADER) ?? '';
  const refuse = (why: string) =>
    new FloxyError('INVALID_INPUT', `header ${CHANGE_MESSAGE_HEADER}: ${why}`);
  const message = decode(value)?.trim();
  if (message === undefined) throw refuse('it is not percent-encoded UTF-8');
  if (/\p{Cc}/u.test(message)) throw refuse('it has control characters: give one line of text');
  const bytes = Buffer.byteLength(message);
  if (bytes > MAX_MESSAGE_BYTES) {
    throw refuse(`${bytes} octets of UTF-8, the limit is ${MAX_MESSAGE_BYTES}`);
  }
  return message === '' ? undefined : message;
}

/** As readChangeMessage() reads it. */
export function changeMessageHeader(message: string): Readonly<Record<string, string>> {
  return { [CHANGE_MESSAGE_HEADER]: encodeURIComponent(message.toWellFormed()) };
}

/** Headers of an answer that tells the revision of the rules. */
export function revisionHeaders(revision: number): OutgoingHttpHeaders {
  return { [REVISION_HEADER]: String(revision) };
}

/** Header of the answers of ListProxyRules and GetBuildInfo: a dry run is not taken for a change here (spec A40). */
export function dryRunSupport(): OutgoingHttpHeaders {
  return { [DRY_RUN_HEADER]: 'supported' };
}

/** What a change did, or would do. */
export interface ChangeAnswer {
  /** Of the rules now. */
  readonly revision: number;
  readonly isDryRun: boolean;
  readonly difference: RulesDifference;
  readonly warnings: readonly string[];
}

/** Headers of the answer to a change. */
export function changeHeaders(answer: ChangeAnswer): OutgoingHttpHeaders {
  const { revision, isDryRun, difference, warnings } = answer;
  return {
    ...revisionHeaders(revision),
    [DIFFERENCE_HEADER]: formatCounts(difference),
    ...(isDryRun && { [DRY_RUN_HEADER]: 'true' }),
    ...(warnings.length > 0 && { [WARNINGS_HEADER]: warnings.map(encodeURIComponent).join(',') }),
  };
}

/** Default outputs and the order of rules are the same, 0, or not, 1. */
function formatCounts(difference: RulesDifference): string {
  const { added, removed, changed, areDefaultOutputsChanged, isReordered } = difference;
  const defaults = Number(areDefaultOutputsChanged);
  return `added=${added.length} removed=${removed.length} changed=${changed.length} default_outputs=${defaults} order=${Number(isReordered)}`;
}

/** The warnings in an answer. @param value of WARNINGS_HEADER */
export function readWarnings(value: string | undefined): string[] {
  return (value ?? '').split(',').flatMap((warning) => decode(warning) || []);
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function readFlag(request: IncomingHttpHeaders, name: string): boolean {
  const value = singleValue(request, name) ?? 'false';
  if (value === 'true' || value === 'false') return value === 'true';
  throw new FloxyError(
    'INVALID_INPUT',
    `header ${name}: ${JSON.stringify(value)} is neither "true" nor "false"`,
  );
}

/** Repeated headers arrive joined by commas: then no value is right. */
function singleValue(request: IncomingHttpHeaders, name: string): string | undefined {
  const value = request[name];
  return Array.isArray(value) ? value.join(', ') : value;
}
