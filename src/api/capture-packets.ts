import type { Logger } from 'pino';
import { FloxyError, invalidInput, type Problem } from '../base/errors.ts';
import type { CapturedPacket, CaptureListener, PacketCapture } from '../model/capture.ts';
import { MAX_PORT } from '../model/endpoint.ts';
import { type Exporter, exporterKey } from '../model/rules.ts';
import {
  type CapturePacketsRequestMessage,
  type CapturePacketsResponseMessage,
  fromCapturedPacket,
} from '../protocol/capture-messages.ts';
import { FieldReader } from '../rules/field-reader.ts';
import { RuleReader } from '../rules/message.ts';
import type { StreamHandler } from './method.ts';

/** What is captured at most (spec A51): where a request says nothing, and what it may ask for. */
const LIMITS = {
  packets: { usual: 1000, max: 1_000_000 },
  bytes: { usual: 64 * 1024 * 1024, max: 1024 ** 3 },
  seconds: { usual: 60, max: 3600 },
} as const;

/** Payload that waits for a client; what comes then is lost. */
const MAX_WAITING_BYTES = 4 * 1024 * 1024;
/** Of one message. */
const MAX_MESSAGE_BYTES = 256 * 1024;
/** A packet takes memory without a payload too. */
const PACKET_BYTES = 100;

type End = NonNullable<CapturePacketsResponseMessage['end']>;

interface Wish {
  /** Without an endpoint: all. */
  readonly exporter: Partial<Exporter>;
  readonly packets: number;
  readonly bytes: number;
  readonly seconds: number;
}

/** The handler of CapturePackets (spec A50, A51). */
export function capturePackets(
  captures: PacketCapture | undefined,
  log: Logger,
): StreamHandler<CapturePacketsRequestMessage> {
  return async function* capture(request, { signal: gone, stopping, addressFormat, caller }) {
    const wish = toWish(request);
    if (captures === undefined)
      throw new FloxyError('NOT_READY', 'no packets can be captured here');
    const queue = new CaptureQueue(wish, AbortSignal.any([gone, stopping]));
    const end = await captures.capture(wish.exporter, queue).catch((error: unknown) => {
      queue.close();
      throw error;
    });
    const exporter = nameOf(wish.exporter);
    const details = { call: 'CapturePackets', who: caller.who, from: caller.from, exporter };
    log.info(details, 'a capture has begun');
    try {
      for await (const { packets, ...rest } of queue.parts()) {
        yield {
          packets: packets.map((packet) => fromCapturedPacket(packet, addressFormat)),
          ...rest,
        };
      }
    } finally {
      end();
      queue.close();
      log.info({ ...details, packets: queue.taken }, 'a capture has ended');
    }
  };
}

/** What goes into one message. */
interface Part {
  readonly packets: readonly CapturedPacket[];
  readonly lost?: number;
  readonly end?: End;
}

/** What was captured and not sent yet: bounded, as a client may read slowly. */
class CaptureQueue implements CaptureListener {
  readonly #signal: AbortSignal;
  readonly #timer: NodeJS.Timeout;
  /** Packets that were captured. */
  taken = 0;
  #packetsLeft: number;
  #bytesLeft: number;
  #waiting: CapturedPacket[] = [];
  #waitingBytes = 0;
  #lost = 0;
  #end: End | undefined;
  #wake: () => void = () => undefined;

  constructor({ packets, bytes, seconds }: Wish, signal: AbortSignal) {
    this.#packetsLeft = packets;
    this.#bytesLeft = bytes;
    this.#signal = signal;
    this.#timer = setTimeout(() => this.#finish('Seconds'), seconds * 1000);
    signal.addEventListener('abort', () => this.#wake(), { once: true });
  }

  packets(packets: readonly CapturedPacket[]): void {
    for (const packet of packets) this.#take(packet);
    this.#wake();
  }

  lost(count: number): void {
    if (this.#end === undefined) this.#lost += count;
  }

  /** The first is empty. */
  async *parts(): AsyncGenerator<Part> {
    yield { packets: [] };
    while (!this.#signal.aborted) {
      if (this.#waiting.length > 0) yield this.#next();
      else if (this.#end !== undefined) return yield this.#last(this.#end);
      else await this.#news();
    }
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #take(packet: CapturedPacket): void {
    if (this.#end !== undefined) return;
    const bytes = packet.payload.length + PACKET_BYTES;
    if (this.#waitingBytes + bytes > MAX_WAITING_BYTES) {
      this.#lost++;
      return;
    }
    this.#waiting.push(packet);
    this.#waitingBytes += bytes;
    this.taken++;
    this.#packetsLeft--;
    this.#bytesLeft -= packet.payload.length;
    if (this.#packetsLeft === 0) this.#finish('Packets');
    else if (this.#bytesLeft <= 0) this.#finish('Bytes');
  }

  #finish(end: End): void {
    this.#end ??= end;
    this.#wake();
  }

  #next(): Part {
    let count = 0;
    for (let bytes = 0; count < this.#waiting.length && bytes < MAX_MESSAGE_BYTES; count++) {
      bytes += (this.#waiting[count]?.payload.length ?? 0) + PACKET_BYTES;
    }
    const packets = this.#waiting.splice(0, count);
    for (const { payload } of packets) this.#waitingBytes -= payload.length + PACKET_BYTES;
    return { packets, ...this.#takeLost() };
  }

  #last(end: End): Part {
    return { packets: [], end, ...this.#takeLost() };
  }

  #takeLost(): { lost?: number } {
    const lost = this.#lost;
    this.#lost = 0;
    return lost === 0 ? {} : { lost };
  }

  async #news(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    await promise;
  }
}

/** @throws FloxyError INVALID_INPUT with all problems */
function nameOf({ endpoint, ...rest }: Partial<Exporter>): string {
  if (endpoint !== undefined) return exporterKey({ endpoint, ...rest });
  return rest.listeningPort === undefined ? 'all' : `all@${rest.listeningPort}`;
}

function toWish({ exporter, ...asked }: CapturePacketsRequestMessage): Wish {
  const reader = new RuleReader();
  const { problems } = reader;
  const read = (name: keyof typeof LIMITS) => {
    const { usual, max } = LIMITS[name];
    const value = asked[name] ?? usual;
    if (value < 1 || value > max) problems.push({ path: name, message: `must be 1 to ${max}` });
    return value;
  };
  const wish = {
    exporter: readExporter(exporter, asked, reader),
    packets: read('packets'),
    bytes: read('bytes'),
    seconds: read('seconds'),
  };
  if (problems.length > 0) throw invalidInput(problems.map(inRequest));
  return wish;
}

/** Of all exporters a listening port can be named, too. */
function readExporter(
  endpoint: CapturePacketsRequestMessage['exporter'],
  { prefixLength, listeningPort }: CapturePacketsRequestMessage,
  reader: RuleReader,
): Partial<Exporter> {
  if (endpoint) return reader.exporter({ endpoint, prefixLength, listeningPort }, 'exporter');
  const fields = new FieldReader('exporter', reader.problems);
  if (prefixLength !== undefined) fields.problem('prefix_length', 'it is of no exporter');
  const port = fields.number('listening_port', listeningPort, { min: 0, max: MAX_PORT }, 0);
  return port === undefined ? {} : { listeningPort: port };
}

/** The fields of an exporter are those of the request here. */
function inRequest({ path, message }: Problem): Problem {
  const own = path.replace(/^exporter\.(prefix_length|listening_port)$/, '$1');
  return { path: own.replace(/^exporter\.endpoint/, 'exporter'), message };
}
