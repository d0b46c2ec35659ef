/** What a server of ClickHouse says is wrong, and what to do (codes: src/Common/ErrorCodes.cpp of ClickHouse). */
export class ClickhouseError extends Error {
  /** Of ClickHouse; 0 when it is not its answer, but that of something before it. */
  readonly code: number;
  readonly status: number;

  constructor(status: number, code: number, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }

  /** The table or its database is not there. */
  get isMissing(): boolean {
    return this.code === UNKNOWN_TABLE || this.code === UNKNOWN_DATABASE;
  }

  /** What was sent can never be taken: sending it again is of no use. */
  get isRefusal(): boolean {
    return UNREADABLE.has(this.code) || this.status === PAYLOAD_TOO_LARGE;
  }
}

const UNKNOWN_TABLE = 60;
const UNKNOWN_DATABASE = 81;
const PAYLOAD_TOO_LARGE = 413;

/** Cannot parse or read what was sent. */
const UNREADABLE = new Set([6, 26, 27, 33, 38, 41, 72, 117, 128, 131]);

/** What to do about the common ones. */
const ADVICE = new Map<number, string>([
  [UNKNOWN_TABLE, 'make the table (deploy/clickhouse/flows.sql), or set `create: true`'],
  [UNKNOWN_DATABASE, 'make the database, or set `create: true`'],
  [50, 'the server is older than its types: set `types: basic` of the format'],
  [53, 'a column of the table has another type: see deploy/clickhouse/flows.sql'],
  [
    62,
    'see `engine`, `order_by`, `partition_by`, `ttl_days`: the server does not know what they say',
  ],
  [70, 'a column of the table has another type: see deploy/clickhouse/flows.sql'],
  [115, 'see `settings`: the server does not know one of them'],
  [192, 'see `user`: there is no such user'],
  [193, 'see `user` and `password`'],
  [194, 'see `user` and `password`'],
  [241, 'the server is out of memory: lower `batch_bytes`, or raise its limit'],
  [252, 'there are too many small inserts: raise `batch_delay` and `batch_bytes`'],
  [291, 'grant the user what it needs: INSERT, and CREATE and ALTER with `create: true`'],
  [368, 'a column of the table has another type: see deploy/clickhouse/flows.sql'],
  [497, 'grant the user what it needs: INSERT, and CREATE and ALTER with `create: true`'],
  [516, 'see `user` and `password`'],
]);

/** Longest part of an answer that is told. */
const MAX_TEXT = 300;

/** What an answer says. @param context what was being done */
export function errorOf(
  context: string,
  status: number,
  header: string | undefined,
  body: string,
): ClickhouseError {
  const code = Number(header ?? /Code: (\d+)/.exec(body)?.[1] ?? 0);
  const text = body.replace(/\s+/g, ' ').trim().slice(0, MAX_TEXT) || 'no text';
  const advice =
    status === PAYLOAD_TOO_LARGE ? 'lower `batch_bytes`' : (ADVICE.get(code) ?? undefined);
  return new ClickhouseError(
    status,
    code,
    `${context} failed (HTTP ${status}): ${text}${advice === undefined ? '' : `; ${advice}`}`,
  );
}
