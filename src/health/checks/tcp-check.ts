import { connect } from 'node:net';
import { type Check, GOOD, type Outcome, outcomeOf, type Question, seconds } from './check.ts';
import type { OpenPlaces } from './open-places.ts';

/** Opens a TCP connection and closes it at once. */
export class TcpCheck implements Check {
  readonly #places: OpenPlaces;

  /** @param places what it takes one of while a connection is open */
  constructor(places: OpenPlaces) {
    this.#places = places;
  }

  ask(question: Question): Promise<Outcome> {
    return this.#places.run(() => open(question));
  }

  close(): void {
    // Each connection ends by itself with its timeout.
  }
}

function open({ endpoint, timeoutMs }: Question): Promise<Outcome> {
  return new Promise((resolve) => {
    const socket = connect({ host: endpoint.host, port: endpoint.port });
    const end = (outcome: Outcome) => {
      clearTimeout(timer);
      socket.removeAllListeners();
      // What a destroyed socket still says is of no interest.
      socket.on('error', () => undefined);
      socket.destroy();
      resolve(outcome);
    };
    const late = { kind: 'failed', cause: `no connection within ${seconds(timeoutMs)}` } as const;
    // After what has come meanwhile, when this process was late.
    const timer = setTimeout(() => setImmediate(() => end(late)), timeoutMs);
    socket.on('connect', () => end(GOOD));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      const code = error.code ?? error.message;
      const cause = code === 'ECONNREFUSED' ? `the port is closed (${code})` : code;
      end(outcomeOf(code, cause));
    });
  });
}
