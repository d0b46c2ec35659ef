import { closeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../base/errors.ts';
import { formatEndpoint, isIpv6, makeEndpoint } from '../../model/endpoint.ts';
import { openProbe, readProbeErrors, sendProbe } from '../../native/probe.ts';
import { SystemCallError } from '../../native/system-call.ts';
import { type Check, type Outcome, outcomeOf, type Question } from './check.ts';
import { Pace } from './pace.ts';

/** So often the kernel is asked what has come back, while there are questions. */
const LOOK_MS = 50;

/**
 * Linux tells one host of closed ports once a second, whichever they are, after six at once (icmp(7), icmp_ratelimit). Who
 * asks oftener would take silence for an open port.
 */
const GAP_MS = 1_000;
const BURST = 3;

const SAID: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the port is closed',
  EHOSTUNREACH: 'the host cannot be reached',
  ENETUNREACH: 'the network cannot be reached',
  ENOPROTOOPT: 'the host takes no UDP',
  EACCES: 'a firewall on the way rejects it',
};

/** Those who wait for what is said of one endpoint. */
type Waiting = Map<string, Set<(outcome: Outcome) => void>>;

/**
 * Sends an empty datagram from an address of this host and listens for ICMP: a closed port is told by most hosts
 * (RFC 1122, 3.2.2.1). Silence is good: an open port says nothing. One socket of each family does for all.
 */
export class PortCheck implements Check {
  readonly #sockets = new Map<4 | 6, number>();
  readonly #waiting: Waiting = new Map();
  readonly #pace = new Pace(GAP_MS, BURST);
  #isClosed = false;
  #timer: NodeJS.Timeout | undefined;

  /** Opens its sockets while this process may have larger buffers than others. What cannot be opened is told by ask(). */
  open(): void {
    for (const family of [4, 6] as const) {
      try {
        this.#socket(family);
      } catch {
        // Nobody may want it.
      }
    }
  }

  async ask(question: Question): Promise<Outcome> {
    const waitMs = this.#pace.waitMs(question.endpoint.host);
    if (waitMs > 0) await sleep(waitMs);
    return this.#isClosed ? { kind: 'impossible', cause: 'it ends' } : this.#ask(question);
  }

  #ask({ endpoint, timeoutMs }: Question): Promise<Outcome> {
    const key = formatEndpoint(endpoint);
    return new Promise((resolve) => {
      const end = (outcome: Outcome) => {
        clearTimeout(timer);
        this.#remove(key, end);
        resolve(outcome);
      };
      const timer = setTimeout(() => {
        // What has come meanwhile counts, also when this process was late.
        this.#look();
        end({ kind: 'good', isSilent: true });
      }, timeoutMs);
      this.#add(key, end);
      try {
        sendProbe(this.#socket(isIpv6(endpoint) ? 6 : 4), endpoint.octets, endpoint.port);
      } catch (error) {
        end(failureOf(error));
      }
    });
  }

  close(): void {
    this.#isClosed = true;
    clearInterval(this.#timer);
    this.#timer = undefined;
    for (const fd of this.#sockets.values()) closeSync(fd);
    this.#sockets.clear();
  }

  #socket(family: 4 | 6): number {
    const fd = this.#sockets.get(family) ?? openProbe(family);
    this.#sockets.set(family, fd);
    return fd;
  }

  #look(): void {
    for (const fd of this.#sockets.values()) {
      for (const { octets, port, code } of readProbeErrors(fd)) {
        const outcome = { kind: 'failed', cause: saidOf(code) } as const;
        const ends = this.#waiting.get(formatEndpoint(makeEndpoint(octets, port))) ?? [];
        for (const end of [...ends]) end(outcome);
      }
    }
  }

  #add(key: string, end: (outcome: Outcome) => void): void {
    const ends = this.#waiting.get(key) ?? new Set();
    this.#waiting.set(key, ends.add(end));
    this.#timer ??= setInterval(() => this.#look(), LOOK_MS);
  }

  #remove(key: string, end: (outcome: Outcome) => void): void {
    const ends = this.#waiting.get(key);
    ends?.delete(end);
    if (ends?.size === 0) this.#waiting.delete(key);
    if (this.#waiting.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

function failureOf(error: unknown): Outcome {
  if (!(error instanceof SystemCallError)) return { kind: 'impossible', cause: messageOf(error) };
  return outcomeOf(error.code, saidOf(error.code));
}

function saidOf(code: string): string {
  const said = SAID[code];
  return said === undefined ? code : `${said} (${code})`;
}
