import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http2';
import { FloxyError } from '../base/errors.ts';
import type { AddressFormat } from '../rules/endpoint-message.ts';

/** Request headers. */
export const ADDRESS_FORMAT_HEADER = 'collector-address-format';
export const EXPECTED_REVISION_HEADER = 'collector-expected-rules-revision';
export const OVERRIDE_FOLLOWER_HEADER = 'collector-override-follower';

/** Header of answers: the revision of the rules (spec A9). */
export const REVISION_HEADER = 'collector-rules-revision';

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
  const value = singleValue(request, OVERRIDE_FOLLOWER_HEADER) ?? 'false';
  if (value === 'true' || value === 'false') return value === 'true';
  throw new FloxyError(
    'INVALID_INPUT',
    `header ${OVERRIDE_FOLLOWER_HEADER}: ${JSON.stringify(value)} is neither "true" nor "false"`,
  );
}

/** Headers of an answer that tells the revision of the rules. */
export function revisionHeaders(revision: number): OutgoingHttpHeaders {
  return { [REVISION_HEADER]: String(revision) };
}

/** Repeated headers arrive joined by commas: then no value is right. */
function singleValue(request: IncomingHttpHeaders, name: string): string | undefined {
  const value = request[name];
  return Array.isArray(value) ? value.join(', ') : value;
}
