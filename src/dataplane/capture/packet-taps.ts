import { closeSync } from 'node:fs';
import { FloxyError } from '../../base/errors.ts';
import { mappedOctets } from '../../model/address.ts';
import type { CaptureListener } from '../../model/capture.ts';
import type { Exporter } from '../../model/rules.ts';
import { LIMIT } from '../../native/layout.ts';
import type { Tap } from '../../native/packet-sender.ts';
import { createRing, mapAll, READER_STATES_BYTES, readOnly } from '../../native/ring-memory.ts';
import { RingTap } from './ring-tap.ts';

/** Of records; what a forwarder captures between two looks has to fit. It is taken when something is captured. */
const RING_BYTES = 4 * 1024 * 1024;
const LOOK_INTERVAL_MS = 10;

/** Tells forwarders what is wanted. Resolves when all that run know. */
export type TapsPublisher = (taps: readonly Tap[]) => Promise<void>;

interface Capture {
  readonly tap: Tap;
  readonly rings: readonly RingTap[];
}

interface TapRing {
  /** Forwarders write it. */
  readonly fd: number;
  /** For reading; mapped with the first capture. */
  memory: ArrayBuffer | undefined;
  states: ArrayBuffer | undefined;
}

/**
 * The rings by which captures get packets, one of each forwarder: lossy, so that a capture never holds a forwarder up.
 * Not those of pipelines: a capture of everything would take their room.
 */
export class PacketTaps {
  readonly #publish: TapsPublisher;
  readonly #isHidden: (octets: Uint8Array, port: number) => boolean;
  readonly #captures = new Set<Capture>();
  #rings: readonly TapRing[] = [];
  #timer: NodeJS.Timeout | undefined;
  #begun = 0;

  /** @param isHidden whose packets no user sees: 16 bytes and the port */
  constructor(publish: TapsPublisher, isHidden: (octets: Uint8Array, port: number) => boolean) {
    this.#publish = publish;
    this.#isHidden = isHidden;
  }

  open(forwarders: number): void {
    this.#rings = Array.from({ length: forwarders }, (_, i) => ({
      fd: createRing(`floxy-tap-${i}`, RING_BYTES),
      memory: undefined,
      states: undefined,
    }));
  }

  /** What a forwarder inherits. */
  descriptor(forwarder: number): number | undefined {
    return this.#rings[forwarder]?.fd;
  }

  /** What is wanted at the moment. */
  get taps(): readonly Tap[] {
    return [...this.#captures].map(({ tap }) => tap);
  }

  /** See PacketCapture. @throws FloxyError LIMIT_EXCEEDED */
  async begin(exporter: Partial<Exporter>, listener: CaptureListener): Promise<() => void> {
    const capture = this.#make(exporter, listener);
    this.#captures.add(capture);
    this.#timer ??= setInterval(() => this.#look(), LOOK_INTERVAL_MS);
    await this.#publish(this.taps);
    return () => this.#end(capture);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#captures.clear();
    for (const { fd } of this.#rings) closeSync(fd);
    this.#rings = [];
  }

  #make(exporter: Partial<Exporter>, listener: CaptureListener): Capture {
    const taken = new Set(this.taps.map(({ index }) => index));
    const index = Array.from({ length: LIMIT.TAPS }, (_, i) => i).find((i) => !taken.has(i));
    if (index === undefined) {
      const message = `${LIMIT.TAPS} captures are running already: end one of them, and try again`;
      throw new FloxyError('LIMIT_EXCEEDED', message);
    }
    const owner = ++this.#begun;
    const rings = this.#rings.map((ring) => {
      ring.memory ??= mapReadOnly(ring.fd);
      ring.states ??= new ArrayBuffer(READER_STATES_BYTES);
      const { memory, states } = ring;
      return new RingTap({ memory, states, index, owner, isHidden: this.#isHidden }, listener);
    });
    return { tap: { index, ...wantedOf(exporter) }, rings };
  }

  #look(): void {
    for (const { rings } of this.#captures) for (const ring of rings) ring.look();
  }

  #end(capture: Capture): void {
    if (!this.#captures.delete(capture)) return;
    if (this.#captures.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
    // Forwarders that do not hear of it write for nobody, and are about to be replaced.
    this.#publish(this.taps).catch(() => undefined);
  }
}

function wantedOf({ endpoint, prefixLength, listeningPort = 0 }: Partial<Exporter>) {
  const bits = (endpoint?.octets.length ?? 0) * 8;
  return {
    source: endpoint && [...mappedOctets(endpoint.octets)],
    hostBits: bits - (prefixLength ?? bits),
    sourcePort: endpoint?.port ?? 0,
    listenPort: listeningPort,
  };
}

function mapReadOnly(fd: number): ArrayBuffer {
  const reading = readOnly(fd);
  try {
    return mapAll(reading, false);
  } finally {
    closeSync(reading);
  }
}
