/** Tokens of callers, as they are sent (RFC 6750 section 2.1). */
import { readFileSync } from 'node:fs';
import { FloxyError, messageOf } from '../base/errors.ts';

export const AUTHORIZATION_HEADER = 'authorization';

/** The value of the header. @throws FloxyError INVALID_INPUT for what cannot be a token */
export function bearerOf(token: string, from: string): string {
  // What else may stand in a header; what it is is the service's affair.
  if (/^[!-~]{1,1000}$/.test(token)) return `Bearer ${token}`;
  throw new FloxyError('INVALID_INPUT', `${from} has no token: one word is expected`);
}

/**
 * The value of the header for the token in a file; blanks and the end of the line around it do not count.
 *
 * @throws FloxyError INVALID_INPUT
 */
export function readBearer(file: string): string {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const message = `the token cannot be read: ${messageOf(error)}`;
    throw new FloxyError('INVALID_INPUT', message, { cause: error });
  }
  return bearerOf(text.trim(), file);
}
