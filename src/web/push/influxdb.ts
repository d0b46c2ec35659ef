import type { Point, PointBatch } from './points.ts';
import { type MetricsSink, post } from './sink.ts';

export interface InfluxdbOptions {
  /** Without a slash at the end. */
  readonly url: string;
  /** InfluxDB 1. */
  readonly database: string;
  /** InfluxDB 2; goes before the database. */
  readonly bucket: { readonly name: string; readonly organisation: string } | undefined;
  readonly token: string | undefined;
}

/** Writes the line protocol over HTTP: `/write` of InfluxDB 1, `/api/v2/write` of InfluxDB 2. */
export class InfluxdbSink implements MetricsSink {
  readonly name: string;
  readonly kind = 'influxdb';
  readonly #url: string;
  readonly #headers: Readonly<Record<string, string>>;

  constructor({ url, database, bucket, token }: InfluxdbOptions) {
    this.name = `InfluxDB at ${url}`;
    const query =
      bucket === undefined
        ? new URLSearchParams({ db: database, precision: 's' })
        : new URLSearchParams({ org: bucket.organisation, bucket: bucket.name, precision: 's' });
    this.#url = `${url}${bucket === undefined ? '/write' : '/api/v2/write'}?${query}`;
    this.#headers = {
      'Content-Type': 'text/plain; charset=utf-8',
      ...(token !== undefined && { Authorization: `Token ${token}` }),
    };
  }

  async send(batch: PointBatch, signal: AbortSignal): Promise<void> {
    await post(this.#url, { body: formatLines(batch), headers: this.#headers, signal });
  }
}

/** `udp.rate,type=ipfix,host=node1 value=12.5 1700000000`, one a line. */
export function formatLines({ points, host, epochSeconds }: PointBatch): string {
  const end = `,host=${escapeTag(host)} value=`;
  const format = ({ metric, tags, value }: Point) => {
    let line = metric;
    for (const key in tags) {
      const text = tags[key] ?? '';
      // Empty ones are not allowed.
      if (text !== '') line += `,${key}=${escapeTag(text)}`;
    }
    return `${line}${end}${value} ${epochSeconds}\n`;
  };
  return points.map(format).join('');
}

/** A backslash at the end would escape what follows. */
function escapeTag(text: string): string {
  return text.replaceAll(/[\r\n\\]/g, '_').replaceAll(/[,= ]/g, (character) => `\\${character}`);
}
