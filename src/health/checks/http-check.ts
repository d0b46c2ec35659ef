import { get as getHttp, type IncomingMessage } from 'node:http';
import { get as getHttps } from 'node:https';
import { type Check, GOOD, type Outcome, outcomeOf, type Question, seconds } from './check.ts';
import type { OpenPlaces } from './open-places.ts';

const MAX_BODY_OCTETS = 65_536;

/**
 * Asks for a URL (GET): a status of 2xx is good, and everything else is not, redirections too. The body is not
 * looked at. Certificates are not looked at: no secret is sent, and their names are seldom addresses.
 */
export class HttpCheck implements Check {
  readonly #places: OpenPlaces;

  /** @param places what it takes one of while a connection is open */
  constructor(places: OpenPlaces) {
    this.#places = places;
  }

  ask(question: Question): Promise<Outcome> {
    return this.#places.run(() => request(question));
  }

  close(): void {
    // Each request ends by itself with its timeout.
  }
}

function request({ url = '', timeoutMs }: Question): Promise<Outcome> {
  return new Promise((resolve) => {
    const options = { agent: false, headers: { 'user-agent': 'floxy', connection: 'close' } };
    const asked = url.startsWith('https:')
      ? getHttps(url, { ...options, rejectUnauthorized: false })
      : getHttp(url, options);
    const end = (outcome: Outcome) => {
      clearTimeout(timer);
      asked.destroy();
      resolve(outcome);
    };
    const late = { kind: 'failed', cause: `no answer within ${seconds(timeoutMs)}` } as const;
    // After what has come meanwhile, when this process was late.
    const timer = setTimeout(() => setImmediate(() => end(late)), timeoutMs);
    asked.on('response', (response) => {
      const { statusCode = 0 } = response;
      const isGood = statusCode >= 200 && statusCode < 300;
      resolve(isGood ? GOOD : { kind: 'failed', cause: `HTTP status ${statusCode}` });
      readToEnd(response, () => clearTimeout(timer));
    });
    asked.on('error', (error: NodeJS.ErrnoException) => {
      const code = error.code ?? error.message;
      end(outcomeOf(code, code));
    });
  });
}

/** Whoever answers sees its answer taken, not a reset; but nobody takes more than this. */
function readToEnd(response: IncomingMessage, ended: () => void): void {
  let octets = 0;
  response.on('data', (chunk: Buffer) => {
    octets += chunk.length;
    if (octets > MAX_BODY_OCTETS) response.destroy();
  });
  response.on('error', () => undefined);
  response.on('close', ended);
}
