import { readFileSync } from 'node:fs';
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect as connectHttp2,
  constants,
  type IncomingHttpHeaders,
  type IncomingHttpStatusHeader,
} from 'node:http2';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { messageOf } from '../base/errors.ts';
import type { FollowConfig } from '../config/config.ts';
import { AUTHORIZATION_HEADER, readBearer } from '../protocol/bearer.ts';
import { ADDRESS_FORMAT_HEADER } from '../protocol/headers.ts';
import { FrameReader, frameMessage } from './grpc-frames.ts';

/** A part of a rule set has some 64 KiB; one rule at the limits of a rule set not much more. */
const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;

/** What may be on its way: 100,000 rules come without waiting for the network's round trips. */
const WINDOW_BYTES = 4 * 1024 * 1024;

const GRPC_OK = 0;
const GRPC_UNIMPLEMENTED = 12;
const GRPC_UNAVAILABLE = 14;

/**
 * How a line ended.
 *
 * - `unreachable`: no connection, or it broke; or the leader is stopping.
 * - `refused`: there is somebody, who does not want or does not understand us. Hurry is of no use.
 */
export interface LineEnd {
  readonly kind: 'unreachable' | 'refused';
  readonly reason: string;
}

export interface LineEvents {
  /** Something that the leader sent. An exception ends the line as refused. */
  message(bytes: Buffer): void;
  /** Once, and nothing after it; not after close(). */
  end(end: LineEnd): void;
}

/**
 * One connection to the leader with one server-streaming call on it.
 *
 * It speaks HTTP/2 itself: @grpc/grpc-js cannot give up a connection that is being made, so that a follower
 * that looks for its leader several times a second through a long cut would gather sockets by the hundred.
 */
export class LeaderLine {
  readonly #events: LineEvents;
  #socket: Socket | TLSSocket | undefined;
  #session: ClientHttp2Session | undefined;
  #isOver = false;

  /** @param call path of the method, and the encoded request */
  constructor(
    follow: FollowConfig,
    call: { readonly path: string; readonly request: Buffer },
    events: LineEvents,
  ) {
    this.#events = events;
    try {
      this.#open(follow, call);
    } catch (error) {
      queueMicrotask(() => this.#end('refused', messageOf(error)));
    }
  }

  /** Drops the connection without a word, whatever it is doing. */
  close(): void {
    this.#isOver = true;
    this.#session?.destroy();
    this.#socket?.destroy();
  }

  #open(follow: FollowConfig, call: { readonly path: string; readonly request: Buffer }): void {
    const { tokenPath } = follow;
    // Read each time, as certificates are.
    const authorization = tokenPath === undefined ? undefined : readBearer(tokenPath);
    const socket = openSocket(follow);
    this.#socket = socket;
    const isTls = follow.tls !== undefined;
    const wasSecured = { yet: !isTls };
    socket.once(isTls ? 'secureConnect' : 'connect', () => {
      wasSecured.yet = true;
      socket.setNoDelay(true);
    });
    let hasConnected = false;
    socket.once('connect', () => {
      hasConnected = true;
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      // What fails between the two is a matter of certificates.
      const isHandshake = isTls && hasConnected && !wasSecured.yet && !isBroken(error);
      this.#end(isHandshake ? 'refused' : 'unreachable', reasonOf(error));
    });
    const scheme = isTls ? 'https' : 'http';
    const session = connectHttp2(`${scheme}://${follow.target}`, {
      createConnection: () => socket,
      settings: { initialWindowSize: WINDOW_BYTES, enablePush: false },
    });
    this.#session = session;
    session.on('error', (error) => this.#end('unreachable', messageOf(error)));
    session.on('close', () => this.#end('unreachable', 'the connection was closed'));
    session.once('connect', () => session.setLocalWindowSize(WINDOW_BYTES));
    this.#call(session, call, authorization);
  }

  #call(
    session: ClientHttp2Session,
    { path, request }: { readonly path: string; readonly request: Buffer },
    authorization: string | undefined,
  ): void {
    const stream = session.request({
      [constants.HTTP2_HEADER_METHOD]: 'POST',
      [constants.HTTP2_HEADER_PATH]: path,
      [constants.HTTP2_HEADER_CONTENT_TYPE]: 'application/grpc',
      [constants.HTTP2_HEADER_TE]: 'trailers',
      [ADDRESS_FORMAT_HEADER]: 'binary',
      ...(authorization !== undefined && { [AUTHORIZATION_HEADER]: authorization }),
    });
    const frames = new FrameReader(MAX_MESSAGE_BYTES);
    stream.on('error', (error) => this.#end('unreachable', messageOf(error)));
    stream.on('response', (headers) => this.#judgeHeaders(headers));
    stream.on('trailers', (trailers) => this.#judgeStatus(trailers));
    stream.on('data', (chunk: Buffer) => this.#take(frames, chunk));
    stream.on('close', () => this.#end('unreachable', closeReason(stream)));
    stream.end(frameMessage(request));
  }

  #judgeHeaders(headers: IncomingHttpHeaders & IncomingHttpStatusHeader): void {
    const httpStatus = headers[':status'];
    if (httpStatus !== 200) this.#end('refused', `it answers with HTTP status ${httpStatus}`);
    else if (headers['grpc-status'] !== undefined) this.#judgeStatus(headers);
  }

  #judgeStatus(headers: IncomingHttpHeaders): void {
    const code = Number(headers['grpc-status'] ?? Number.NaN);
    const details = decodeDetails(String(headers['grpc-message'] ?? ''));
    if (code === GRPC_OK || code === GRPC_UNAVAILABLE) {
      this.#end('unreachable', details || 'it ended the stream');
    } else if (code === GRPC_UNIMPLEMENTED) {
      const advice = 'it does not know WatchProxyRules: upgrade it first';
      this.#end('refused', `${advice} (${details})`);
    } else {
      this.#end('refused', `it answers with gRPC status ${code}: ${details}`);
    }
  }

  #take(frames: FrameReader, chunk: Buffer): void {
    try {
      for (const message of frames.push(chunk)) {
        if (this.#isOver) return;
        this.#events.message(message);
      }
    } catch (error) {
      this.#end('refused', messageOf(error));
    }
  }

  #end(kind: LineEnd['kind'], reason: string): void {
    if (this.#isOver) return;
    this.close();
    this.#events.end({ kind, reason });
  }
}

/** @throws errors of the file system, and of TLS for files that are none of its */
function openSocket({ host, port, tls }: FollowConfig): Socket | TLSSocket {
  if (tls === undefined) return connectTcp({ host, port });
  const { caPath, certificatePath, keyPath } = tls;
  return connectTls({
    host,
    port,
    // Read each time, so that renewed certificates need no restart.
    ca: readFileSync(caPath),
    ...(certificatePath !== undefined && { cert: readFileSync(certificatePath) }),
    ...(keyPath !== undefined && { key: readFileSync(keyPath) }),
    ...(isIP(host) === 0 && { servername: host }),
    ALPNProtocols: ['h2'],
  });
}

/** A host with several addresses fails with an error that holds one for each, and has no message itself. */
function reasonOf(error: Error): string {
  if (!(error instanceof AggregateError)) return messageOf(error);
  return error.errors.map(messageOf).join('; ');
}

/** Whether the network failed, and not what was said over it. */
function isBroken({ code }: NodeJS.ErrnoException): boolean {
  return code === 'ECONNRESET' || code === 'ETIMEDOUT' || code === 'EPIPE';
}

function closeReason({ rstCode }: ClientHttp2Stream): string {
  return rstCode === constants.NGHTTP2_NO_ERROR || rstCode === undefined
    ? 'it closed the stream'
    : `it reset the stream (HTTP/2 error ${rstCode})`;
}

function decodeDetails(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
