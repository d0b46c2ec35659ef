import type { Endpoint } from '../../model/endpoint.ts';

/** One question to one collector. */
export interface Question {
  /** Of the collector. A port is there when the check needs one. */
  readonly endpoint: Endpoint;
  /** Where HTTP asks. */
  readonly url?: string | undefined;
  readonly timeoutMs: number;
}

/**
 * What became of it. `impossible`: this host could not ask at all, which says nothing of the collector. `isSilent`: there
 * was no answer, and that is no sign of anything (PORT).
 */
export type Outcome =
  | { readonly kind: 'good'; readonly isSilent?: boolean }
  | { readonly kind: 'failed'; readonly cause: string }
  | { readonly kind: 'impossible'; readonly cause: string };

export const GOOD: Outcome = { kind: 'good' };

/** Asks collectors in one way. */
export interface Check {
  /** Opens what it needs privileges for. */
  open?(): void;
  /** Any number at once. Never rejects, and answers within the timeout and a little. */
  ask(question: Question): Promise<Outcome>;
  /** Questions that are open then are never answered. */
  close(): void;
}

/** Errors of this host, not of the way or the other end: firewalls of its own, privileges, descriptors, memory. */
const OWN_ERRORS: ReadonlySet<string> = new Set([
  'EPERM',
  'EACCES',
  'EMFILE',
  'ENFILE',
  'ENOMEM',
  'ENOBUFS',
  'EAGAIN',
  'EADDRNOTAVAIL',
  'EAFNOSUPPORT',
  'EINVAL',
]);

/** Of a call that failed with this errno. */
export function outcomeOf(code: string, said: string): Outcome {
  return { kind: OWN_ERRORS.has(code) ? 'impossible' : 'failed', cause: said };
}

/** `2.5 s` */
export function seconds(ms: number): string {
  return `${Number((ms / 1000).toFixed(3))} s`;
}
