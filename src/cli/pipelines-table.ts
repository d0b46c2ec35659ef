/** What `floxy pipelines` shows of an answer of GetPipelineStats. */
import { snakeCase, withoutControls } from '../base/text.ts';
import { DECODE_COUNTERS } from '../flow/decode/counters.ts';
import {
  DEATH_COUNTERS,
  PRODUCER_COUNTERS,
  RING_COUNTERS,
  WORKER_COUNTERS,
} from '../flow/pipeline/counters.ts';
import type {
  CounterMap,
  PipelineMessage,
  PipelineStatsMessage,
} from '../protocol/pipeline-messages.ts';
import type { Shown } from './shown.ts';
import { formatCount, formatTable } from './table.ts';

type ShownPipeline = Shown<PipelineMessage>;
type ShownCounters = { readonly [name: string]: string | undefined } | undefined;

interface Loss {
  readonly count: number;
  /** `dropped`, `ipfix bad_set_length`. */
  readonly name: string;
  readonly meaning: string;
}

const COLUMNS = [
  { head: 'PIPELINE' },
  { head: 'STATE' },
  { head: 'FORMAT' },
  { head: 'PRODUCER' },
  { head: 'WORKERS', isNumber: true },
  { head: 'RECORDS', isNumber: true },
  { head: 'DELIVERED', isNumber: true },
  { head: 'QUEUED', isNumber: true },
  { head: 'LAG', isNumber: true },
  { head: 'LOST', isNumber: true },
] as const;

/** One line for each pipeline; below, what is wrong with workers and producers, and what was lost how. */
export function pipelinesTable({
  pipelines = [],
  templatePeers = [],
}: Shown<PipelineStatsMessage>): string {
  if (pipelines.length === 0) return 'there are no pipelines\n';
  const table = formatTable(COLUMNS, pipelines.map(rowOf));
  const peers = templatePeers.flatMap(({ peer = '', state, error = '' }) =>
    state === 'failing' ? [`templates of ${peer}: ${error}`] : [],
  );
  const notes = [
    ...pipelines.flatMap((pipeline) => [...problemsOf(pipeline), ...lossLines(pipeline)]),
    ...peers,
  ];
  const text = notes.map((note) => `${withoutControls(note)}\n`).join('');
  return notes.length === 0 ? table : `${table}\n${text}`;
}

function rowOf(pipeline: ShownPipeline): string[] {
  const { name = '', state = '', format = '', producer = '', workers = [], total } = pipeline;
  // Records; what else is lost (datagrams, sets) stands below.
  const lost =
    countIn(total?.producer, 'failed') +
    countIn(total?.producer, 'dropped') +
    countIn(total?.worker, 'rows_failed') +
    countIn(pipeline.deaths, 'records_unfinished');
  return [
    ...[name, state, format, producer],
    formatCount(workers.length),
    formatCount(countIn(total?.worker, 'rows')),
    formatCount(countIn(total?.producer, 'delivered')),
    formatCount(countIn(total?.producer, 'queued_records')),
    formatCount(countIn(total?.ring, 'lag')),
    formatCount(lost),
  ];
}

function problemsOf({ name = '', error, workers = [] }: ShownPipeline): string[] {
  const own = error === undefined ? [] : [`${name}: ${error}`];
  const producers = workers.flatMap(({ shard = 0, producerState, producerError }) => {
    if (producerState !== 'failing' && producerError === undefined) return [];
    return [`${name}: worker ${shard}: producer ${producerState}: ${producerError ?? ''}`];
  });
  return [...own, ...producers];
}

function lossLines(pipeline: ShownPipeline): string[] {
  return lossesOf(pipeline).map(({ count, name, meaning }) => {
    return `${pipeline.name}: lost ${formatCount(count)}: ${name}: ${meaning}`;
  });
}

/** By the catalogues: what is lost when it grows, and what was lost before it came here apart. */
function lossesOf({ total, deaths }: ShownPipeline): Loss[] {
  const groups = [
    [RING_COUNTERS, total?.ring],
    [WORKER_COUNTERS, total?.worker],
    [PRODUCER_COUNTERS, total?.producer],
    [DEATH_COUNTERS, deaths],
  ] as const;
  const found = groups.flatMap(([catalogue, counters]) =>
    Object.entries(catalogue).flatMap(([key, { meaning, ...row }]) => {
      const name = snakeCase(key);
      return 'loss' in row ? [{ count: countIn(counters, name), name, meaning }] : [];
    }),
  );
  const decoded = DECODE_COUNTERS.flatMap(({ key, meaning, loss, protocol }): Loss[] => {
    if (loss === undefined) return [];
    const counters =
      protocol === undefined
        ? total?.decode
        : total?.protocols?.find((found) => found.protocol === protocol)?.counters;
    const name = snakeCase(key);
    const count = countIn(counters, name);
    return [{ count, name: protocol === undefined ? name : `${protocol} ${name}`, meaning }];
  });
  return [...found, ...decoded].filter(({ count }) => count > 0);
}

function countIn(counters: ShownCounters | Shown<CounterMap>, name: string): number {
  return Number(counters?.[name] ?? 0);
}
