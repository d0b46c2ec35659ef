import { readFileSync } from 'node:fs';
import type { Logger } from 'pino';
import { messageOf } from '../../base/errors.ts';
import { Turn } from '../../base/turn.ts';
import type { MetricsConfig } from '../../config/config.ts';
import type { MetricFamily } from '../metric.ts';
import type { VflowCounters } from '../vflow/figures.ts';
import { InfluxdbSink } from './influxdb.ts';
import { OpentsdbHttpSink, OpentsdbLineSink } from './opentsdb.ts';
import { type Point, type PointBatch, pointsOf, VflowPoints } from './points.ts';
import { Pusher, type PushFigures } from './pusher.ts';
import type { MetricsSink } from './sink.ts';

/** Sent at once, and sent again when that fails. */
const BATCH_POINTS = 1000;

const MILLISECONDS = 1000;

export interface MetricsPushParts {
  readonly config: MetricsConfig;
  readonly vflow: VflowCounters;
  /** All metrics of the service but vFlow's. */
  readonly families: () => Promise<readonly MetricFamily[]>;
  readonly log: Logger;
}

/** Pushes metrics to what is configured, at regular times. Does nothing when nothing is. */
export class MetricsPush {
  readonly #pushers: readonly Pusher[];
  readonly #parts: MetricsPushParts;
  #timer: NodeJS.Timeout | undefined;
  #isMaking = false;

  constructor(parts: MetricsPushParts) {
    this.#parts = parts;
    const { config, log } = parts;
    this.#pushers = makeSinks(config).map((sink) => new Pusher({ sink, log }));
  }

  start(): void {
    if (this.#pushers.length === 0) return;
    const { config, vflow, log } = this.#parts;
    const vflowPoints = new VflowPoints(vflow);
    this.#timer = setInterval(() => {
      // One that takes longer than the interval takes the place of the next.
      if (this.#isMaking) return;
      this.#isMaking = true;
      this.#push(vflowPoints)
        .catch((error: unknown) => {
          log.error({ error: messageOf(error) }, 'metrics could not be made');
        })
        .finally(() => {
          this.#isMaking = false;
        });
    }, config.pushIntervalMs);
  }

  figures(): PushFigures[] {
    return this.#pushers.map((pusher) => pusher.figures());
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#pushers.map((pusher) => pusher.stop()));
  }

  async #push(vflowPoints: VflowPoints): Promise<void> {
    const { config, families } = this.#parts;
    const { pushMetrics: wanted, pushHost: host } = config;
    const epochSeconds = Math.floor(Date.now() / MILLISECONDS);
    const points = wanted === 'floxy' ? [] : vflowPoints.make();
    if (wanted !== 'vflow') await addInTurns(points, pointsOf(await families()));
    const batches: PointBatch[] = [];
    for (let i = 0; i < points.length; i += BATCH_POINTS) {
      batches.push({ epochSeconds, host, points: points.slice(i, i + BATCH_POINTS) });
    }
    for (const pusher of this.#pushers) pusher.push(batches);
  }
}

async function addInTurns(points: Point[], more: Iterable<Point>): Promise<void> {
  const turn = new Turn();
  for (const point of more) {
    points.push(point);
    if (turn.isOver) await turn.next();
  }
}

function makeSinks(config: MetricsConfig): MetricsSink[] {
  const { influxdbUrl, influxdbDatabase, influxdbBucket, influxdbOrganisation } = config;
  const sinks: MetricsSink[] = [];
  if (influxdbUrl !== undefined) {
    const file = config.influxdbTokenFile;
    const token = file === undefined ? undefined : readFileSync(file, 'utf8').trim();
    const hasBucket = influxdbBucket !== undefined && influxdbOrganisation !== undefined;
    const bucket = hasBucket
      ? { name: influxdbBucket, organisation: influxdbOrganisation }
      : undefined;
    sinks.push(new InfluxdbSink({ url: influxdbUrl, database: influxdbDatabase, bucket, token }));
  }
  const { opentsdbUrl } = config;
  if (opentsdbUrl?.startsWith('tcp:')) sinks.push(new OpentsdbLineSink(opentsdbUrl));
  else if (opentsdbUrl !== undefined) sinks.push(new OpentsdbHttpSink(opentsdbUrl));
  return sinks;
}
