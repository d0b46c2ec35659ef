import { nextEraNumber, type Revision } from '../model/rules.ts';
import type { ChangeOptions } from './control.ts';

/** @param before undefined: the rules before are not known, and the numbers of their revisions neither */
export function nextRevision(
  before: Revision | undefined,
  { follows, author, from, call, message }: ChangeOptions,
): Revision {
  const number = before === undefined ? nextEraNumber() : before.number + 1;
  const followed = follows ? { ...follows, appliedAs: number } : before?.followed;
  return {
    number,
    at: new Date().toISOString(),
    ...(author !== undefined && { author }),
    ...(from !== undefined && { from }),
    ...(call !== undefined && { call }),
    ...(message !== undefined && { message }),
    ...(followed && { followed }),
  };
}
