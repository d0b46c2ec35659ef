import { Metadata } from '@grpc/grpc-js';
import { FloxyError } from '../base/errors.ts';
import type { AddressFormat } from '../rules/endpoint-message.ts';

/** Request headers. */
export const ADDRESS_FORMAT_HEADER = 'collector-address-format';
export const EXPECTED_REVISION_HEADER = 'collector-expected-rules-revision';
export const OVERRIDE_FOLLOWER_HEADER = 'collector-override-follower';

/** Header of answers: the revision of the rules (spec A9). */
export const REVISION_HEADER = 'collector-rules-revision';

/** Spec E4. @throws FloxyError INVALID_INPUT */
export function readAddressFormat(request: Metadata): AddressFormat {
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
export function readExpectedRevision(request: Metadata): number | undefined {
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
export function readOverrideFollower(request: Metadata): boolean {
  const value = singleValue(request, OVERRIDE_FOLLOWER_HEADER) ?? 'false';
  if (value === 'true' || value === 'false') return value === 'true';
  throw new FloxyError(
    'INVALID_INPUT',
    `header ${OVERRIDE_FOLLOWER_HEADER}: ${JSON.stringify(value)} is neither "true" nor "false"`,
  );
}

/** Headers of an answer that tells the revision of the rules. */
export function revisionHeaders(revision: number): Metadata {
  const headers = new Metadata();
  headers.set(REVISION_HEADER, String(revision));
  return headers;
}

/** Repeated headers arrive as a list, or joined by commas: then no value is right. */
function singleValue(request: Metadata, name: string): string | undefined {
  const values = request.get(name);
  return values.length === 0 ? undefined : values.join(', ');
}
