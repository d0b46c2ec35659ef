import { randomBytes, randomInt } from 'node:crypto';
import { messageOf } from '../../base/errors.ts';
import { isIpv6 } from '../../model/endpoint.ts';
import { type Check, GOOD, type Outcome, type Question, seconds } from './check.ts';
import { echoRequest, ECHO_HEADER_BYTES as HEADER_BYTES } from './echo-request.ts';
import { openEchoSocket, type RawSocket, writeIcmpChecksum } from './raw-socket.ts';

/** So often answers are read, while there are questions. */
const LOOK_MS = 50;
/** At most so many in one look: who floods this host with answers costs no more than that. */
const MAX_MESSAGES = 4096;

const ECHO_REPLY = { 4: 0, 6: 129 } as const;
const COOKIE_BYTES = 16;

/** Errors of this host, by what the C library says of them: the package tells no numbers. */
const OWN_ERRORS =
  /not permitted|Permission denied|No buffer space|Cannot allocate|temporarily unavailable|Invalid argument|not supported|Too many open files/;

interface Asked {
  readonly host: string;
  readonly end: (outcome: Outcome) => void;
}

/**
 * Echo requests (RFC 792, RFC 4443), through the package raw-socket. An answer counts when it comes from the address that
 * was asked, and has the identifier, the sequence number and the 16 random octets of the question.
 */
export class IcmpCheck implements Check {
  readonly #sockets = new Map<4 | 6, RawSocket>();
  readonly #id = randomInt(0x10000);
  #sequence = randomInt(0x10000);
  /** By sequence number and cookie, as in packets. */
  readonly #asked = new Map<string, Asked>();
  #timer: NodeJS.Timeout | undefined;
  /** The last look found nothing more. */
  #isEmpty = true;

  /** Opens its sockets, while this process may: later it has given up the capability. What cannot be opened is told by ask(). */
  open(): void {
    for (const family of [4, 6] as const) {
      try {
        this.#socket(family);
      } catch {
        // Nobody may want it.
      }
    }
  }

  ask({ endpoint, timeoutMs }: Question): Promise<Outcome> {
    const family = isIpv6(endpoint) ? 6 : 4;
    return new Promise((resolve) => {
      const message = this.#message(family);
      const key = keyOf(message);
      const end = (outcome: Outcome) => {
        clearTimeout(timer);
        this.#remove(key);
        resolve(outcome);
      };
      const late = { kind: 'failed', cause: `no answer within ${seconds(timeoutMs)}` } as const;
      const timer = setTimeout(() => {
        // What has come meanwhile counts, also when this process was late.
        this.#look();
        end(late);
      }, timeoutMs);
      this.#add(key, { host: endpoint.host, end });
      try {
        if (family === 4) writeIcmpChecksum(message);
        this.#socket(family).send(message, 0, message.length, endpoint.host, (error) => {
          if (error !== null) end(failureOf(error));
        });
      } catch (error) {
        end({ kind: 'impossible', cause: adviceOf(messageOf(error)) });
      }
    });
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    for (const socket of this.#sockets.values()) socket.close();
    this.#sockets.clear();
  }

  #message(family: 4 | 6): Buffer {
    this.#sequence = (this.#sequence + 1) & 0xffff;
    const message = echoRequest(family, this.#id, this.#sequence, COOKIE_BYTES);
    randomBytes(COOKIE_BYTES).copy(message, HEADER_BYTES);
    return message;
  }

  #socket(family: 4 | 6): RawSocket {
    let socket = this.#sockets.get(family);
    if (socket === undefined) {
      socket = openEchoSocket(family);
      socket.on('message', (buffer, source) => this.#take(family, buffer, source));
      socket.on('error', () => {
        this.#isEmpty = true;
      });
      this.#sockets.set(family, socket);
    }
    return socket;
  }

  #look(): void {
    for (const socket of this.#sockets.values()) {
      this.#isEmpty = false;
      for (let i = 0; i < MAX_MESSAGES && !this.#isEmpty; i++) socket.onRecvReady();
    }
  }

  #take(family: 4 | 6, packet: Buffer, source: string): void {
    // With IPv4 the header comes first (raw(7)).
    const from = family === 4 ? ((packet[0] ?? 0) & 0xf) * 4 : 0;
    const message = packet.subarray(from);
    if (message.length !== HEADER_BYTES + COOKIE_BYTES || message[0] !== ECHO_REPLY[family]) return;
    if (message.readUInt16BE(4) !== this.#id) return;
    const asked = this.#asked.get(keyOf(message));
    if (asked?.host === source) asked.end(GOOD);
  }

  #add(key: string, asked: Asked): void {
    // Answers to others have gathered meanwhile, and leave no room.
    if (this.#timer === undefined) this.#look();
    this.#asked.set(key, asked);
    this.#timer ??= setInterval(() => this.#look(), LOOK_MS);
  }

  #remove(key: string): void {
    this.#asked.delete(key);
    if (this.#asked.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

function keyOf(message: Buffer): string {
  return message.toString('latin1', 6, HEADER_BYTES + COOKIE_BYTES);
}

function failureOf(error: Error): Outcome {
  const cause = messageOf(error);
  return OWN_ERRORS.test(cause)
    ? { kind: 'impossible', cause: adviceOf(cause) }
    : { kind: 'failed', cause };
}

function adviceOf(cause: string): string {
  if (/not permitted/.test(cause))
    return `${cause}: ICMP needs CAP_NET_RAW when the service starts, and no firewall of this host that rejects it`;
  if (/Cannot find module|NODE_MODULE_VERSION|shared object/.test(cause))
    return `the package raw-socket cannot be loaded (${cause.split('\n')[0]}): npm ci && npm run build`;
  return cause;
}
