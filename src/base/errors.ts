/**
 * Why a call or a start failed. Closed: the API maps each to one gRPC status (src/api/status.ts).
 *
 * - `INVALID_INPUT`: the input is wrong whatever the state of the system.
 * - `NOT_FOUND`: something named in the input does not exist.
 * - `REVISION_MISMATCH`: the rules changed since the caller looked.
 * - `LIMIT_EXCEEDED`: a documented limit, or the disk is full.
 * - `STORE_UNWRITABLE`: the database cannot be written; an operator has to act.
 * - `NOT_READY`: the service is starting or stopping.
 * - `NOT_CONFIGURED`: the saved rules could not be restored; only replacing all rules helps.
 * - `FILE_OWNED`: what was to be changed stands in a file of this node, and is changed there.
 * - `FOLLOWER`: the rules are those of another node, and are changed there.
 * - `UNAUTHENTICATED`: nobody knows who the caller is, or a credential is wrong.
 * - `PERMISSION_DENIED`: who the caller is may not do that.
 * - `DATA_PLANE`: sockets or forwarders failed; an operator has to act.
 */
export type ErrorCode =
  | 'INVALID_INPUT'
  | 'NOT_FOUND'
  | 'REVISION_MISMATCH'
  | 'LIMIT_EXCEEDED'
  | 'STORE_UNWRITABLE'
  | 'NOT_READY'
  | 'NOT_CONFIGURED'
  | 'FILE_OWNED'
  | 'FOLLOWER'
  | 'UNAUTHENTICATED'
  | 'PERMISSION_DENIED'
  | 'DATA_PLANE';

/** An expected failure: its message is meant for the user and says what, where and what to do. */
export class FloxyError extends Error {
  override readonly name = 'FloxyError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** One bad place in an input, such as `rules[3].exporter.endpoint.port`. */
export interface Problem {
  readonly path: string;
  readonly message: string;
}

/** Problems beyond this many are counted, not listed. */
const MAX_PROBLEMS_LISTED = 20;

/** Makes one `INVALID_INPUT` error of all problems: `path: message; path: message`. */
export function invalidInput(problems: readonly Problem[]): FloxyError {
  const listed = problems.slice(0, MAX_PROBLEMS_LISTED).map((p) => `${p.path}: ${p.message}`);
  const rest = problems.length - listed.length;
  if (rest > 0) listed.push(`and ${rest} more`);
  return new FloxyError('INVALID_INPUT', listed.join('; '));
}

/** The message of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
