import { FloxyError, invalidInput, type Problem } from '../base/errors.ts';
import { isPrefix } from '../flow/enrich/address-words.ts';
import type { PipelineStatsSource } from '../flow/pipeline/stats.ts';
import type { TailListener, TailWish } from '../flow/pipeline/tail/taps.ts';
import type { TailedFlowsMessage, TailFlowsRequestMessage } from '../protocol/pipeline-messages.ts';
import type { RequestLimits, StreamHandler } from './method.ts';

/** Who shows flows as they pass. */
export interface FlowTails {
  /** @returns what ends it @throws FloxyError LIMIT_EXCEEDED when too many look already */
  tail(wish: TailWish, listener: TailListener): () => void;
}

const DEFAULT_RATE = 100;
const MAX_RATE = 1000;
const MAX_PORT = 65_535;
const MAX_PROTOCOL = 255;
/** Messages that wait for a client; what comes then is left out. */
const MAX_WAITING = 16;

/** Of its request: filters are small. */
export const TAIL_LIMITS: RequestLimits = { maxBytes: 32 * 1024, maxItems: 256 };

/** The handler of TailFlows. */
export function tailFlows(
  pipelines: PipelineStatsSource | undefined,
  tails: FlowTails | undefined,
): StreamHandler<TailFlowsRequestMessage> {
  return async function* tail(request, { signal: gone, stopping }) {
    const wish = toWish(request);
    checkPipelines(wish.pipelines, pipelines);
    const queue = new TailQueue(AbortSignal.any([gone, stopping]));
    const end = tails?.tail(wish, (pipeline, found) => queue.push(pipeline, found));
    try {
      yield* queue.messages();
    } finally {
      end?.();
    }
  };
}

/** What was found and not sent yet: bounded, as a client may read slowly. */
class TailQueue {
  readonly #signal: AbortSignal;
  #waiting: TailedFlowsMessage[] = [];
  #skipped = 0;
  #wake: () => void = () => undefined;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener('abort', () => this.#wake(), { once: true });
  }

  push(pipeline: string, { records, skipped }: { records: readonly string[]; skipped: number }) {
    if (this.#waiting.length >= MAX_WAITING) {
      this.#skipped += records.length + skipped;
      return;
    }
    const all = this.#skipped + skipped;
    this.#skipped = 0;
    this.#waiting.push({ records, pipeline, skipped: String(all) });
    this.#wake();
  }

  async *messages(): AsyncGenerator<TailedFlowsMessage> {
    while (!this.#signal.aborted) {
      const message = this.#waiting.shift();
      if (message === undefined) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      } else yield message;
    }
  }
}

/** @throws FloxyError INVALID_INPUT with all problems */
function toWish({ filter, recordsPerSecond = DEFAULT_RATE }: TailFlowsRequestMessage): TailWish {
  const {
    pipelines = [],
    exporters = [],
    addresses = [],
    ports = [],
    protocols = [],
  } = filter ?? {};
  const problems = [
    ...problemsOf('filter.exporters', exporters, isPrefix, 'must be an address or a prefix'),
    ...problemsOf('filter.addresses', addresses, isPrefix, 'must be an address or a prefix'),
    ...problemsOf('filter.ports', ports, (port) => port <= MAX_PORT, 'must be a port'),
    ...problemsOf(
      'filter.protocols',
      protocols,
      (number) => number <= MAX_PROTOCOL,
      'must be 0 to 255',
    ),
  ];
  if (recordsPerSecond < 1 || recordsPerSecond > MAX_RATE) {
    problems.push({ path: 'records_per_second', message: `must be 1 to ${MAX_RATE}` });
  }
  if (problems.length > 0) throw invalidInput(problems);
  return { pipelines, exporters, addresses, ports, protocols, recordsPerSecond };
}

function problemsOf<T>(
  name: string,
  values: readonly T[],
  isGood: (value: T) => boolean,
  message: string,
): Problem[] {
  return values.flatMap((value, i) =>
    isGood(value)
      ? []
      : [{ path: `${name}[${i}]`, message: `${JSON.stringify(value)} ${message}` }],
  );
}

/** @throws FloxyError NOT_FOUND */
function checkPipelines(
  wanted: readonly string[],
  pipelines: PipelineStatsSource | undefined,
): void {
  const known = pipelines?.pipelines().map(({ name }) => name) ?? [];
  const unknown = wanted.filter((name) => !known.includes(name));
  if (unknown.length === 0) return;
  const there = known.length === 0 ? 'there are none' : `there are ${known.join(', ')}`;
  throw new FloxyError('NOT_FOUND', `there is no pipeline ${unknown.join(', ')}: ${there}`);
}
