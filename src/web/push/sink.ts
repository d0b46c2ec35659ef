import type { PointBatch } from './points.ts';

/** Where metrics are pushed to. */
export interface MetricsSink {
  /** For messages: `InfluxDB at http://127.0.0.1:8086`. */
  readonly name: string;
  /** For counters. */
  readonly kind: 'influxdb' | 'opentsdb';
  /**
   * Resolves when they have arrived, as far as the protocol tells.
   *
   * @throws RefusedError when it is no use to send the same again
   * @throws Error for anything else
   */
  send(batch: PointBatch, signal: AbortSignal): Promise<void>;
}

/** The other end has understood, and does not want it. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
}

const MAX_REASON_LENGTH = 300;
const TOO_MANY_REQUESTS = 429;

/** Posts, and tells by the status what became of it. */
export async function post(url: string, init: RequestInit): Promise<void> {
  const answer = await fetch(url, { ...init, method: 'POST', redirect: 'error' });
  const text = await readStart(answer);
  if (answer.ok) return;
  const message = `HTTP ${answer.status}: ${text}`;
  const isRefused = answer.status >= 400 && answer.status < 500;
  if (isRefused && answer.status !== TOO_MANY_REQUESTS) throw new RefusedError(message);
  throw new Error(message);
}

/** However much there is. */
async function readStart({ body }: Response): Promise<string> {
  if (body === null) return '';
  let text = '';
  for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    if (text.length > MAX_REASON_LENGTH) break;
  }
  return text.slice(0, MAX_REASON_LENGTH).trim();
}
