import http, { type IncomingMessage } from 'node:http';
import https, { type RequestOptions } from 'node:https';
import type { ConnectionOptions } from 'node:tls';
import { promisify } from 'node:util';
import { constants, gzip, zstdCompress } from 'node:zlib';
import type { ClickhouseOptions } from './clickhouse.ts';
import { errorOf } from './clickhouse-errors.ts';
import { tlsSettings } from './tls.ts';

const COMPRESSIONS = {
  none: async (bytes: Buffer) => bytes,
  gzip: (bytes: Buffer) => promisify(gzip)(bytes, { level: 1 }),
  zstd: (bytes: Buffer) =>
    promisify(zstdCompress)(bytes, { params: { [constants.ZSTD_c_compressionLevel]: 1 } }),
};

/** Most octets of an answer that are kept. */
const MAX_ANSWER = 65_536;

/** The HTTP interface of a server. Each request has a connection of its own: there are few, and none is stale. */
export class ClickhouseHttp {
  readonly #options: ClickhouseOptions;
  #tls: ConnectionOptions = {};

  constructor(options: ClickhouseOptions) {
    this.#options = options;
  }

  /** Reads what TLS needs. @throws Error when a file cannot be read */
  async open(): Promise<void> {
    if (this.#options.tls !== undefined) this.#tls = await tlsSettings(this.#options.tls);
  }

  /** Has a statement run. @returns what it answers @throws ClickhouseError */
  query(statement: string, signal: AbortSignal): Promise<string> {
    const what = statement.slice(0, statement.indexOf(' '));
    return this.#post(what, {}, Buffer.from(statement), {}, signal);
  }

  /** Has data inserted. @throws ClickhouseError */
  async insert(statement: string, data: Buffer, signal: AbortSignal): Promise<void> {
    const { compression, settings } = this.#options;
    const body = await COMPRESSIONS[compression](data);
    const encoding = compression === 'none' ? {} : { 'content-encoding': compression };
    await this.#post(
      'INSERT',
      { input_format_skip_unknown_fields: 1, ...settings, query: statement },
      body,
      encoding,
      signal,
    );
  }

  async #post(
    what: string,
    parameters: Record<string, string | number>,
    body: Buffer,
    headers: Record<string, string>,
    signal: AbortSignal,
  ): Promise<string> {
    const { url, user, password } = this.#options;
    const target = new URL(url);
    for (const [name, value] of Object.entries(parameters)) {
      target.searchParams.set(name, String(value));
    }
    const answer = await send(target, body, {
      ...this.#tls,
      method: 'POST',
      agent: false,
      auth: `${user}:${password}`,
      signal,
      headers: { ...headers, 'content-length': body.length },
    });
    const text = await textOf(answer);
    const { statusCode = 0 } = answer;
    if (statusCode === 200) return text;
    const code = answer.headers['x-clickhouse-exception-code'];
    throw errorOf(what, statusCode, typeof code === 'string' ? code : undefined, text);
  }
}

function send(target: URL, body: Buffer, options: RequestOptions): Promise<IncomingMessage> {
  const { request } = target.protocol === 'https:' ? https : http;
  return new Promise((resolve, reject) => {
    request(target, options, resolve).on('error', reject).end(body);
  });
}

async function textOf(answer: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let octets = 0;
  for await (const part of answer as AsyncIterable<Buffer>) {
    if (octets < MAX_ANSWER) parts.push(part);
    octets += part.length;
  }
  return Buffer.concat(parts).toString('utf8', 0, MAX_ANSWER);
}
