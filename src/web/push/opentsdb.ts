import { once } from 'node:events';
import { connect } from 'node:net';
import type { Point, PointBatch } from './points.ts';
import { type MetricsSink, post } from './sink.ts';

/** More in one request than OpenTSDB takes without its chunks allowed. */
const POINTS_AT_ONCE = 24;

/** What OpenTSDB takes in names and tags. */
const OTHERS = /[^\p{L}\p{N}_./-]/gu;

/** Puts points as JSON: `/api/put`. */
export class OpentsdbHttpSink implements MetricsSink {
  readonly name: string;
  readonly #url: string;

  /** @param url without a slash at the end */
  constructor(url: string) {
    this.name = `OpenTSDB at ${url}`;
    this.#url = `${url}/api/put`;
  }

  async send(batch: PointBatch, signal: AbortSignal): Promise<void> {
    const headers = { 'Content-Type': 'application/json' };
    for (let i = 0; i < batch.points.length; i += POINTS_AT_ONCE) {
      const points = batch.points.slice(i, i + POINTS_AT_ONCE);
      const body = JSON.stringify(points.map((point) => putObject(point, batch)));
      await post(this.#url, { body, headers, signal });
    }
  }
}

/** Puts points as lines over TCP: `put udp.rate 1700000000 12.5 host=node1 type=ipfix`. */
export class OpentsdbLineSink implements MetricsSink {
  readonly name: string;
  readonly #host: string;
  readonly #port: number;

  /** @param url `tcp://host:port` */
  constructor(url: string) {
    const { hostname, port } = new URL(url);
    this.name = `OpenTSDB at ${url}`;
    this.#host = hostname.replace(/^\[(.*)\]$/, '$1');
    this.#port = Number(port);
  }

  async send(batch: PointBatch, signal: AbortSignal): Promise<void> {
    const socket = connect({ host: this.#host, port: this.#port });
    // Nobody answers but to what is wrong; that is told by the end of the connection at the latest.
    let answer = '';
    socket.setEncoding('utf8').on('data', (text: string) => {
      if (answer.length < 300) answer += text;
    });
    try {
      const closed = once(socket, 'close', { signal });
      socket.end(formatPuts(batch));
      await closed;
    } finally {
      socket.destroy();
    }
    if (answer !== '') throw new Error(answer.slice(0, 300).trim());
  }
}

export function formatPuts({ points, host, epochSeconds }: PointBatch): string {
  const format = ({ metric, protocol, value }: Point) => {
    const type = protocol === undefined ? '' : ` type=${protocol}`;
    return `put ${metric} ${epochSeconds} ${value} host=${clean(host)}${type}\n`;
  };
  return points.map(format).join('');
}

function putObject({ metric, protocol, value }: Point, { host, epochSeconds }: PointBatch) {
  const tags = { host: clean(host), ...(protocol !== undefined && { type: protocol }) };
  return { metric, timestamp: epochSeconds, value, tags };
}

function clean(text: string): string {
  return text.replaceAll(OTHERS, '_');
}
