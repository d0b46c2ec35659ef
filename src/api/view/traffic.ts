import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { invalidInput } from '../../base/errors.ts';
import type { Control } from '../../control/control.ts';
import { fromTraffic } from '../../protocol/view-codec.ts';
import type {
  ExportersPageMessage,
  ListExportersRequestMessage,
  TrafficViewMessage,
  WatchTrafficRequestMessage,
} from '../../protocol/view-messages.ts';
import type { AddressFormat } from '../../rules/endpoint-message.ts';
import { TrafficHistory } from '../../telemetry/traffic-history.ts';
import type { CallContext } from '../call-context.ts';
import type { StreamHandler } from '../method.ts';
import { RuleFilter } from './filter.ts';
import { collectorTraffic, exporterTraffic } from './traffic-messages.ts';
import {
  type CollectorRow,
  type ExporterRow,
  type Look,
  LookBefore,
  type RowWish,
} from './traffic-rows.ts';

/** Rows in a message. */
const ROWS_PER_PART = 1000;
const MIN_INTERVAL_SECONDS = 0.5;
const MAX_INTERVAL_SECONDS = 60;
const DEFAULT_SILENT_SECONDS = 300;
/** Callers that look at the same time share a look that is so old. */
const SHARED_MS = 250;

type Watched = Pick<Control, 'collectors' | 'exporters' | 'forgottenCopies' | 'status'>;

interface Wish extends RowWish {
  readonly exporters: boolean;
  readonly collectors: boolean;
  readonly intervalMs: number;
  readonly count: number;
}

/** The handler of WatchTraffic (spec S22). */
export function watchTraffic(control: Watched): StreamHandler<WatchTrafficRequestMessage> {
  const looks = new Looks(control);
  return async function* watch(request, context): AsyncGenerator<TrafficViewMessage> {
    const wish = readWish(request);
    const signal = AbortSignal.any([context.signal, context.stopping]);
    const history = new TrafficHistory(() => control.status().forwarders);
    let before = await LookBefore.of(await looks.take(wish, context));
    for (let taken = 0; taken < wish.count && !signal.aborted; taken++) {
      history.sample();
      await delay(wish.intervalMs, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      const look = await looks.take(wish, context);
      const total = history.last(0);
      yield* viewOf(look, before, wish, context.addressFormat, total && fromTraffic(total));
      before = await LookBefore.of(look);
    }
  };
}

/** The handler of Metrics.ListExporters (spec S46): one look. */
export function listExporters(control: Watched): StreamHandler<ListExportersRequestMessage> {
  const looks = new Looks(control);
  return async function* list(request, context): AsyncGenerator<ExportersPageMessage> {
    const wish = readWish({ ...request, exporters: true });
    const signal = AbortSignal.any([context.signal, context.stopping]);
    const before = await LookBefore.of(await looks.take(wish, context));
    await delay(wish.intervalMs, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    const look = await looks.take(wish, context);
    const { rows, count } = await before.exporterRows(look, wish);
    for (const part of partsOf(rows)) {
      yield { exporters: part.map((row) => exporterTraffic(row, context.addressFormat)) };
    }
    yield { count: `${count}`, ...knowledgeOf(look) };
  };
}

function knowledgeOf({ exporters }: Look): { since?: string; forgotten?: string } {
  if (exporters === undefined) return {};
  return { since: exporters.since.toISOString(), forgotten: `${exporters.forgotten}` };
}

/** Looks of all callers: those at about the same time are one. */
class Looks {
  readonly #control: Watched;
  readonly #recent = new Map<string, { readonly atMs: number; readonly look: Promise<Look> }>();

  constructor(control: Watched) {
    this.#control = control;
  }

  take(wish: Wish, { work }: CallContext): Promise<Look> {
    const now = performance.now();
    for (const [key, { atMs }] of this.#recent) {
      if (now - atMs >= SHARED_MS) this.#recent.delete(key);
    }
    const key = `${wish.exporters} ${wish.collectors} ${wish.silentAfterMs}`;
    const known = this.#recent.get(key);
    if (known !== undefined) return known.look;
    const look = work(() => this.#look(wish));
    this.#recent.set(key, { atMs: now, look });
    return look;
  }

  async #look({ exporters, collectors, silentAfterMs }: Wish): Promise<Look> {
    const atMs = performance.now();
    return {
      atMs,
      exporters: exporters ? await this.#control.exporters(silentAfterMs) : undefined,
      collectors: collectors ? await this.#control.collectors() : undefined,
      forgottenCopies: this.#control.forgottenCopies(),
    };
  }
}

async function* viewOf(
  look: Look,
  before: LookBefore,
  wish: Wish,
  format: AddressFormat,
  total: TrafficViewMessage['total'],
): AsyncGenerator<TrafficViewMessage> {
  const exporters = await before.exporterRows(look, wish);
  const collectors = await before.collectorRows(look, wish);
  for (const rows of partsOf(exporters.rows)) {
    yield { exporters: rows.map((row: ExporterRow) => exporterTraffic(row, format)) };
  }
  for (const rows of partsOf(collectors.rows)) {
    yield { collectors: rows.map((row: CollectorRow) => collectorTraffic(row, format)) };
  }
  yield {
    ...(total && { total }),
    ...(wish.exporters && { exporterCount: `${exporters.count}` }),
    ...(wish.collectors && {
      collectorCount: `${collectors.count}`,
      forgottenCopies: `${look.forgottenCopies}`,
    }),
    ...knowledgeOf(look),
    last: true,
  };
}

function* partsOf<T>(rows: readonly T[]): Generator<readonly T[]> {
  for (let at = 0; at < rows.length; at += ROWS_PER_PART) yield rows.slice(at, at + ROWS_PER_PART);
}

/** @throws FloxyError INVALID_INPUT */
function readWish(request: WatchTrafficRequestMessage): Wish {
  const { intervalSeconds = 1, silentSeconds = DEFAULT_SILENT_SECONDS } = request;
  if (!(intervalSeconds >= MIN_INTERVAL_SECONDS && intervalSeconds <= MAX_INTERVAL_SECONDS)) {
    const message = `must be ${MIN_INTERVAL_SECONDS} to ${MAX_INTERVAL_SECONDS}`;
    throw invalidInput([{ path: 'interval_seconds', message }]);
  }
  if (!(silentSeconds > 0)) {
    throw invalidInput([{ path: 'silent_seconds', message: 'must be above 0' }]);
  }
  return {
    exporters: request.exporters ?? false,
    collectors: request.collectors ?? false,
    filter: new RuleFilter(request.filter ?? undefined),
    choice: request.choice ?? 'All',
    order: request.order ?? 'Unspecified',
    limit: request.limit ?? Number.POSITIVE_INFINITY,
    intervalMs: intervalSeconds * 1000,
    count: request.count ?? Number.POSITIVE_INFINITY,
    silentAfterMs: silentSeconds * 1000,
  };
}
