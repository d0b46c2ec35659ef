import type { PipelineStats } from '../../flow/pipeline/stats.ts';
import type { ForwarderStatus } from '../../telemetry/status.ts';
import { type Labels, type Metric, secondsOf, single } from '../metric.ts';
import { type ProcessFigures, readProcess } from './process-figures.ts';
import type { ServiceSource } from './source.ts';

/** Figures of processes are as old as this at most: to sum a process' memory up costs the kernel milliseconds. */
const KEEP_MS = 5000;

/** A process of the service. */
export interface ServiceProcess {
  /** `process`: control, forwarder or worker; which forwarder; of which pipeline which worker. */
  readonly labels: Labels;
  readonly pid: number | 'self';
}

/** With what the kernel tells of it. */
export interface KnownProcess extends ServiceProcess {
  readonly figures: ProcessFigures;
}

/** Control, all forwarders and all workers that run. */
export function processesOf(
  forwarders: readonly ForwarderStatus[],
  pipelines: readonly PipelineStats[],
): ServiceProcess[] {
  const control: ServiceProcess = { labels: { process: 'control' }, pid: 'self' };
  const moving = forwarders.flatMap(({ index, pid }): ServiceProcess[] => {
    if (pid === undefined) return [];
    return [{ labels: { process: 'forwarder', forwarder: String(index) }, pid }];
  });
  const decoding = pipelines.flatMap(({ name, workers }) =>
    workers.flatMap(({ shard, pid }): ServiceProcess[] => {
      if (pid === undefined) return [];
      return [{ labels: { process: 'worker', pipeline: name, worker: String(shard) }, pid }];
    }),
  );
  return [control, ...moving, ...decoding];
}

/** Reads figures of processes, and remembers them for a while. */
export class ProcessReader {
  readonly #known = new Map<
    number | 'self',
    { readonly figures: Promise<ProcessFigures | undefined>; readonly untilMs: number }
  >();

  async read(processes: readonly ServiceProcess[]): Promise<KnownProcess[]> {
    const nowMs = performance.now();
    for (const [pid, { untilMs }] of this.#known) if (untilMs <= nowMs) this.#known.delete(pid);
    const found = await Promise.all(
      processes.map(async (process) => ({
        ...process,
        figures: await this.#figures(process, nowMs),
      })),
    );
    return found.flatMap(({ figures, ...process }) => {
      return figures === undefined ? [] : [{ ...process, figures }];
    });
  }

  #figures({ pid }: ServiceProcess, nowMs: number): Promise<ProcessFigures | undefined> {
    const known = this.#known.get(pid);
    if (known !== undefined) return known.figures;
    const figures = readProcess(pid);
    this.#known.set(pid, { figures, untilMs: nowMs + KEEP_MS });
    return figures;
  }
}

const LABELS = ['process', 'forwarder', 'pipeline', 'worker'];

/** Of all processes. What the kernel does not tell us of a process of another user is left out. */
export const PROCESS_METRICS: readonly Metric<readonly KnownProcess[]>[] = [
  ofEach('counter', 'cpu_seconds_total', 'CPU time', ({ cpuSeconds }) => cpuSeconds),
  ofEach(
    'gauge',
    'resident_memory_bytes',
    'resident memory, what is shared included',
    (figures) => {
      return figures.residentBytes;
    },
  ),
  ofEach(
    'gauge',
    'proportional_memory_bytes',
    'its share of memory: what several processes have is divided among them, so that sums are true',
    ({ proportionalBytes }) => proportionalBytes,
  ),
  ofEach('gauge', 'open_fds', 'open file descriptors', ({ openFds }) => openFds),
  ofEach('gauge', 'max_fds', 'limit of open file descriptors', ({ maxFds }) => maxFds),
  ofEach('gauge', 'threads', 'threads', ({ threads }) => threads),
  ofEach('gauge', 'start_time_seconds', 'when it was started, since 1970', (figures) => {
    return figures.startSeconds;
  }),
];

function ofEach(
  type: 'counter' | 'gauge',
  name: string,
  help: string,
  value: (figures: ProcessFigures) => number | undefined,
): Metric<readonly KnownProcess[]> {
  return {
    name: `floxy_process_${name}`,
    help: `${help}, of each process of the service`,
    type,
    labels: LABELS,
    *read(processes) {
      for (const { labels, figures } of processes) {
        const present = value(figures);
        if (present !== undefined) yield { labels, value: present };
      }
    },
  };
}

const MICROSECONDS = 1e6;
const MILLISECONDS = 1000;

/** Of the service as a whole, and of the process that answers, by the names that all exporters have. */
export const SERVICE_METRICS: readonly Metric<ServiceSource>[] = [
  {
    name: 'floxy_build_info',
    help: 'which release this is; always 1',
    type: 'gauge',
    labels: ['version', 'commit', 'node'],
    read: ({ buildInfo: { version, commit } }) => [
      { labels: { version, commit, node: process.version }, value: 1 },
    ],
  },
  gauge('floxy_ready', 'whether this node does its share: what /readyz answers', (service) => {
    return service.notReady() === undefined ? 1 : 0;
  }),
  single(
    'counter',
    'floxy_log_lines_dropped_total',
    'lines of the log that could not be written',
    (service) => service.droppedLogLines(),
  ),
  gauge('process_start_time_seconds', 'when the service was started', ({ startedAt }) => {
    return secondsOf(startedAt);
  }),
  single('counter', 'process_cpu_seconds_total', 'CPU time of the control process', () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / MICROSECONDS;
  }),
  gauge('process_resident_memory_bytes', 'resident memory of the control process', () => {
    return process.memoryUsage.rss();
  }),
  gauge('nodejs_heap_used_bytes', 'JavaScript heap in use by the control process', () => {
    return process.memoryUsage().heapUsed;
  }),
  single(
    'counter',
    'nodejs_eventloop_active_seconds_total',
    'time in which the event loop of the control process was at work',
    () => performance.eventLoopUtilization().active / MILLISECONDS,
  ),
];

function gauge(
  name: string,
  help: string,
  value: (service: ServiceSource) => number,
): Metric<ServiceSource> {
  return single('gauge', name, help, value);
}
