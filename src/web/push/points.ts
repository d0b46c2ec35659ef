import type { Labels, MetricFamily } from '../metric.ts';
import {
  VFLOW_PROTOCOLS,
  type VflowCounters,
  type VflowFigures,
  type VflowProtocol,
} from '../vflow/figures.ts';
import { memoryFigures, processFigures } from '../vflow/pages.ts';

/** One value of one metric. */
export interface Point {
  readonly metric: string;
  readonly tags?: Labels;
  readonly value: number;
}

/** What was seen at one time. */
export interface PointBatch {
  readonly epochSeconds: number;
  readonly host: string;
  readonly points: readonly Point[];
}

type Figures = Readonly<Record<VflowProtocol, VflowFigures>>;

const RATES = {
  'udp.rate': 'udpCount',
  'decode.rate': 'decodedCount',
  'mq.error.rate': 'mqErrorCount',
} as const;

const GAUGES = {
  workers: 'workers',
  'udp.queue': 'udpQueue',
  'mq.queue': 'messageQueue',
} as const;

const PROTOCOLS = Object.keys(VFLOW_PROTOCOLS) as VflowProtocol[];
const MILLISECONDS = 1000;

/** Values of metrics, each by its name, with its labels as tags. */
export function* pointsOf(families: Iterable<MetricFamily>): Generator<Point> {
  for (const { name, samples } of families) {
    for (const { labels, value } of samples) {
      const number = Number(value);
      if (!Number.isFinite(number)) continue;
      yield { metric: name, ...(labels && { tags: labels }), value: number };
    }
  }
}

/** Makes what vFlow's monitor would make of `/flow` and `/sys`, by its names. Rates are those since the call before. */
export class VflowPoints {
  readonly #counters: VflowCounters;
  #last: { readonly figures: Figures; readonly atMs: number };

  constructor(counters: VflowCounters) {
    this.#counters = counters;
    this.#last = { figures: counters.read(), atMs: performance.now() };
  }

  make(atMs = performance.now()): Point[] {
    const figures = this.#counters.read();
    const seconds = Math.max(1, atMs - this.#last.atMs) / MILLISECONDS;
    const before = this.#last.figures;
    this.#last = { figures, atMs };
    return [
      ...PROTOCOLS.flatMap((protocol): Point[] => [
        ...Object.entries(RATES).map(([metric, key]) => {
          const value = (figures[protocol][key] - before[protocol][key]) / seconds;
          return { metric, tags: { type: protocol }, value };
        }),
        ...Object.entries(GAUGES).map(([metric, key]) => {
          return { metric, tags: { type: protocol }, value: figures[protocol][key] };
        }),
      ]),
      { metric: 'udp.mirror.queue', tags: { type: 'ipfix' }, value: 0 },
      ...systemPoints(),
    ];
  }
}

function systemPoints(): Point[] {
  const memory = memoryFigures();
  return [
    { metric: 'mem.heap.alloc', value: memory.MemHeapAlloc },
    { metric: 'mem.alloc', value: memory.MemAlloc },
    { metric: 'mcache.inuse', value: memory.MCacheInuse },
    { metric: 'mem.total.alloc', value: memory.MemTotalAlloc },
    { metric: 'mem.heap.sys', value: memory.MemHeapSys },
    { metric: 'num.goroutine', value: processFigures().NumGoroutine },
  ];
}
