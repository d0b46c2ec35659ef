import { readFileSync } from 'node:fs';
import type { Logger } from 'pino';
import type { MetricsConfig } from '../../config/config.ts';
import type { VflowCounters } from '../vflow/figures.ts';
import { InfluxdbSink } from './influxdb.ts';
import { OpentsdbHttpSink, OpentsdbLineSink } from './opentsdb.ts';
import { PointMaker } from './points.ts';
import { Pusher } from './pusher.ts';
import type { MetricsSink } from './sink.ts';

/** Pushes vFlow's metrics to what is configured, at regular times. Does nothing when nothing is. */
export class MetricsPush {
  readonly #pushers: readonly Pusher[];
  readonly #config: MetricsConfig;
  readonly #counters: VflowCounters;
  #timer: NodeJS.Timeout | undefined;

  constructor(config: MetricsConfig, counters: VflowCounters, log: Logger) {
    this.#config = config;
    this.#counters = counters;
    this.#pushers = makeSinks(config).map((sink) => new Pusher({ sink, log }));
  }

  start(): void {
    if (this.#pushers.length === 0) return;
    const maker = new PointMaker(this.#counters, this.#config.pushHost);
    this.#timer = setInterval(() => {
      const batch = maker.make();
      for (const pusher of this.#pushers) pusher.push(batch);
    }, this.#config.pushIntervalMs);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#pushers.map((pusher) => pusher.stop()));
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
