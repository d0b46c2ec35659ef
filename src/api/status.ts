import { status as Status } from '@grpc/grpc-js';
import { type ErrorCode, FloxyError } from '../base/errors.ts';

const STATUS_OF_CODE: Readonly<Record<ErrorCode, Status>> = {
  INVALID_INPUT: Status.INVALID_ARGUMENT,
  NOT_FOUND: Status.NOT_FOUND,
  REVISION_MISMATCH: Status.ABORTED,
  LIMIT_EXCEEDED: Status.RESOURCE_EXHAUSTED,
  STORE_UNWRITABLE: Status.FAILED_PRECONDITION,
  NOT_READY: Status.UNAVAILABLE,
  NOT_CONFIGURED: Status.FAILED_PRECONDITION,
  FILE_OWNED: Status.FAILED_PRECONDITION,
  FOLLOWER: Status.FAILED_PRECONDITION,
  UNAUTHENTICATED: Status.UNAUTHENTICATED,
  PERMISSION_DENIED: Status.PERMISSION_DENIED,
  DATA_PLANE: Status.FAILED_PRECONDITION,
};

/**
 * Longest message as it goes over the wire, percent-encoded. Clients refuse answers whose headers are
 * larger than 8 KiB (gRPC's default), and the caller sees nothing of the reason then.
 */
const MAX_ENCODED_MESSAGE_BYTES = 4096;

const CUT_MARK = ' … (cut)';

export interface CallStatus {
  readonly code: Status;
  readonly details: string;
}

/** Whether somebody has to look into it: it is none of the failures that are to be expected. */
export function isUnexpected(thrown: unknown): boolean {
  return !(thrown instanceof FloxyError);
}

/** The gRPC status of anything that was thrown on the way to an answer. What nobody expects stays in the log. */
export function statusOf(thrown: unknown): CallStatus {
  if (!(thrown instanceof FloxyError)) {
    return { code: Status.INTERNAL, details: "internal error (see the service's log)" };
  }
  return { code: STATUS_OF_CODE[thrown.code], details: fitMessage(thrown.message) };
}

/** Cuts a message to what fits into a header, and makes it encodable: no half surrogate pairs. */
export function fitMessage(message: string): string {
  const head = message.slice(0, MAX_ENCODED_MESSAGE_BYTES).toWellFormed();
  if (head.length === message.length && encodedBytes(head) <= MAX_ENCODED_MESSAGE_BYTES) {
    return head;
  }
  let room = MAX_ENCODED_MESSAGE_BYTES - encodedBytes(CUT_MARK);
  let kept = '';
  for (const character of head) {
    room -= encodedBytes(character);
    if (room < 0) break;
    kept += character;
  }
  return kept + CUT_MARK;
}

/** Length of the percent-encoding that messages go over the wire in. */
function encodedBytes(text: string): number {
  return encodeURI(text).length;
}
