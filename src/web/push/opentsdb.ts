import { once } from 'node:events';
import { connect } from 'node:net';
import type { Point, PointBatch } from './points.ts';
import { type MetricsSink, post } from './sink.ts';

/** OpenTSDB takes 4096 in one request, unless chunks are allowed there. */
const MAX_REQUEST_BYTES = 4000;

/** What OpenTSDB takes in names and tags. */
const OTHERS = /[^\p{L}\p{N}_./-]/gu;

/** Puts points as JSON: `/api/put`. */
export class OpentsdbHttpSink implements MetricsSink {
  readonly name: string;
  readonly kind = 'opentsdb';
  readonly #url: string;

  /** @param url without a slash at the end */
  constructor(url: string) {
    this.name = `OpenTSDB at ${url}`;
    this.#url = `${url}/api/put`;
  }

  async send(batch: PointBatch, signal: AbortSignal): Promise<void> {
    const headers = { 'Content-Type': 'application/json' };
    for (const body of formatBodies(batch)) await post(this.#url, { body, headers, signal });
  }
}

/** Puts points as lines over TCP: `put udp.rate 1700000000 12.5 host=node1 type=ipfix`. */
export class OpentsdbLineSink implements MetricsSink {
  readonly name: string;
  readonly kind = 'opentsdb';
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
  const format = (point: Point) => {
    const tags = Object.entries(tagsOf(point, host)).map(([key, text]) => ` ${key}=${text}`);
    return `put ${point.metric} ${epochSeconds} ${point.value}${tags.join('')}\n`;
  };
  return points.map(format).join('');
}

/** Arrays of JSON, each short enough for one request. */
export function* formatBodies({ points, host, epochSeconds }: PointBatch): Generator<string> {
  let body = '';
  for (const point of points) {
    const { metric, value } = point;
    const tags = tagsOf(point, host);
    const text = JSON.stringify({ metric, timestamp: epochSeconds, value, tags });
    if (body !== '' && Buffer.byteLength(body) + Buffer.byteLength(text) > MAX_REQUEST_BYTES) {
      yield `[${body}]`;
      body = '';
    }
    body += body === '' ? text : `,${text}`;
  }
  if (body !== '') yield `[${body}]`;
}

/** Empty ones are not allowed. */
function tagsOf({ tags = {} }: Point, host: string): Record<string, string> {
  const present = Object.entries(tags).filter(([, text]) => text !== '');
  const cleaned = present.map(([key, text]) => [key, clean(text)] as const);
  return { host: clean(host), ...Object.fromEntries(cleaned) };
}

function clean(text: string): string {
  return text.replaceAll(OTHERS, '_');
}
