import type { ServerResponse } from 'node:http';
import { Turn } from '../base/turn.ts';

/** What a page says at the moment. */
export interface Page {
  /** Of HTTP; default 200. */
  readonly status?: number;
  readonly contentType: string;
  /** Long ones come in pieces, which are made as they are sent. */
  readonly body: string | Iterable<string>;
}

/** One that is sent at once. */
export type ShortPage = Page & { readonly body: string };

export interface PageRequest {
  readonly query: URLSearchParams;
  /** The header `Accept`; empty when there is none. */
  readonly accept: string;
}

/** Makes the page of one path. */
export type PageMaker = (request: PageRequest) => Page | Promise<Page>;

/** Whoever asks again so soon gets the same answer: any number of clients costs as much as one. */
const KEEP_MS = 250;

/** An answer that is not read to its end within this time is cut off. */
const WHOLE_ANSWER_MS = 60_000;

/** Keeps what was made for a moment. */
export function kept<T>(make: () => T): () => T {
  let last: { readonly made: T; readonly untilMs: number } | undefined;
  return () => {
    const nowMs = performance.now();
    if (last === undefined || last.untilMs <= nowMs)
      last = { made: make(), untilMs: nowMs + KEEP_MS };
    return last.made;
  };
}

/** Sends a page in turns with everything else that the process does, and no faster than it is read. */
export async function sendPage(
  response: ServerResponse,
  { status = 200, contentType, body }: Page,
): Promise<void> {
  const isShort = typeof body === 'string';
  response.writeHead(status, {
    'Content-Type': contentType,
    ...(isShort && { 'Content-Length': Buffer.byteLength(body) }),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
  });
  // Node leaves the body of an answer to HEAD out by itself, but it need not be made.
  if (isShort || response.req.method === 'HEAD') {
    response.end(isShort ? body : undefined);
    return;
  }
  const limit = setTimeout(() => response.destroy(), WHOLE_ANSWER_MS);
  try {
    await sendPieces(response, body);
  } finally {
    clearTimeout(limit);
  }
}

async function sendPieces(response: ServerResponse, pieces: Iterable<string>): Promise<void> {
  const turn = new Turn();
  for (const piece of pieces) {
    if (!response.write(piece)) await drained(response);
    if (turn.isOver) await turn.next();
    if (response.destroyed) return;
  }
  response.end();
}

/** Resolves when there is room again, or nobody reads any more. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const goOn = () => {
      response.off('drain', goOn).off('close', goOn);
      resolve();
    };
    response.on('drain', goOn).on('close', goOn);
    if (response.destroyed) goOn();
  });
}
