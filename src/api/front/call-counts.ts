import { status as Status } from '@grpc/grpc-js';

/** Calls of one method that ended with one status. */
export interface CallCount {
  /** `collector.proto.Settings/ListProxyRules` */
  readonly method: string;
  /** Of gRPC: `OK`, `INVALID_ARGUMENT`. */
  readonly code: string;
  readonly calls: number;
  /** From their first header to their status, together. */
  readonly seconds: number;
}

interface Sum {
  calls: number;
  seconds: number;
}

const MILLISECONDS = 1000;

/** Counts how calls end, by method and status: those whose client has gone as CANCELLED. */
export class CallCounts {
  /** By method, then by code. */
  readonly #sums: ReadonlyMap<string, Map<string, Sum>>;

  /** @param paths of all methods, such as `/collector.proto.Settings/ListProxyRules` */
  constructor(paths: Iterable<string>) {
    // Growth shows from the first call on when there is a zero before.
    const zero = (path: string) => [path, new Map([['OK', { calls: 0, seconds: 0 }]])] as const;
    this.#sums = new Map(Array.from(paths, zero));
  }

  /** A call has begun. @returns what ends it: the first time counts */
  begin(path: string): (code: Status) => void {
    const startMs = performance.now();
    let isOver = false;
    return (code) => {
      if (isOver) return;
      isOver = true;
      this.#add(path, Status[code] ?? String(code), performance.now() - startMs);
    };
  }

  list(): CallCount[] {
    return [...this.#sums].flatMap(([path, byCode]) =>
      [...byCode].map(([code, sum]) => ({ method: path.slice(1), code, ...sum })),
    );
  }

  #add(path: string, code: string, ms: number): void {
    const byCode = this.#sums.get(path);
    if (byCode === undefined) return;
    const sum = byCode.get(code) ?? { calls: 0, seconds: 0 };
    sum.calls += 1;
    sum.seconds += ms / MILLISECONDS;
    byCode.set(code, sum);
  }
}
