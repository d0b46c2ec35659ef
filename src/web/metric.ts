/** Metrics as Prometheus has them: what there is, and what it says at the moment. */

export type MetricType = 'counter' | 'gauge';

export type Labels = Readonly<Record<string, string>>;

export interface MetricSample {
  readonly labels?: Labels;
  readonly value: number | bigint;
}

/** What is known of a metric without its values: a row of docs/metrics.md. */
export interface MetricDefinition {
  readonly name: string;
  readonly help: string;
  readonly type: MetricType;
  /** Names of the labels that samples can have; those that are absent are as empty ones. */
  readonly labels: readonly string[];
}

/** All samples of one name; they are made while they are read. */
export interface MetricFamily extends MetricDefinition {
  readonly samples: Iterable<MetricSample>;
}

/** A metric that is read from a source. */
export interface Metric<Source> extends MetricDefinition {
  /** Nothing when there is nothing to tell. */
  readonly read: (source: Source) => Iterable<MetricSample>;
}

export function familiesOf<Source>(
  metrics: readonly Metric<Source>[],
  source: Source,
): MetricFamily[] {
  return metrics.map(({ read, ...definition }) => ({ ...definition, samples: read(source) }));
}

/** One value without labels; none when it is undefined. */
export function single<Source>(
  type: MetricType,
  name: string,
  help: string,
  value: (source: Source) => number | bigint | undefined,
): Metric<Source> {
  const read = (source: Source) => {
    const present = value(source);
    return present === undefined ? [] : [{ value: present }];
  };
  return { name, help, type, labels: [], read };
}

export function secondsOf(date: Date): number {
  return date.getTime() / 1000;
}
