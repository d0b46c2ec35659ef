import type { EncodedBatch } from '../../model/encoded-batch.ts';
import type { FlowProtocol } from '../../model/packets.ts';

/** Octets from which a batch is handed on. */
const BATCH_BYTES = 256 * 1024;
/** Messages from which it is. */
const BATCH_MESSAGES = 4096;

/** Messages of one protocol, one behind the other, until they are handed on. */
export class MessageBuffer {
  readonly #protocol: FlowProtocol;
  readonly #handOn: (batch: EncodedBatch) => void;
  readonly #keyed: boolean;
  readonly #ends = new Uint32Array(BATCH_MESSAGES);
  bytes = Buffer.allocUnsafeSlow(BATCH_BYTES * 2);
  #keys: Buffer[] = [];
  #messages = 0;
  /** What to write into. Another one after `ensure`. */
  view = viewOf(this.bytes);
  /** Where the next octet goes; moved by who writes. */
  at = 0;
  /** Records in the messages, the one that is being written included. */
  records = 0;

  constructor(
    protocol: FlowProtocol,
    handOn: (batch: EncodedBatch) => void,
    { keyed }: { readonly keyed: boolean },
  ) {
    this.#protocol = protocol;
    this.#handOn = handOn;
    this.#keyed = keyed;
  }

  /** Octets of the message that is being written. */
  get messageBytes(): number {
    return this.at - this.#lastEnd;
  }

  /** Makes room behind `at`. @returns the view, which may be a new one */
  ensure(octets: number): DataView {
    const needed = this.at + octets;
    if (needed > this.bytes.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.bytes.length * 2));
      this.bytes.copy(grown, 0, 0, this.at);
      this.bytes = grown;
      this.view = viewOf(grown);
    }
    return this.view;
  }

  /** Ends a message. @param key of its exporter */
  endMessage(key: Buffer): void {
    if (this.#keyed) this.#keys.push(key);
    this.#ends[this.#messages++] = this.at;
    if (this.at >= BATCH_BYTES || this.#messages === BATCH_MESSAGES) this.flush();
  }

  /** Takes back what was written of a message that has not ended. */
  dropMessage(records: number): void {
    this.at = this.#lastEnd;
    this.records -= records;
  }

  /** Hands on the messages that have ended. Not while one is being written. */
  flush(): void {
    if (this.#messages === 0) return;
    const batch = {
      bytes: this.bytes.subarray(0, this.at),
      ends: this.#ends.subarray(0, this.#messages),
      records: this.records,
      protocol: this.#protocol,
      ...(this.#keyed ? { keys: this.#keys } : {}),
    };
    this.at = 0;
    this.records = 0;
    this.#messages = 0;
    this.#keys = [];
    this.#handOn(batch);
  }

  get #lastEnd(): number {
    return this.#messages === 0 ? 0 : (this.#ends[this.#messages - 1] as number);
  }
}

function viewOf({ buffer, byteOffset, length }: Buffer): DataView {
  return new DataView(buffer, byteOffset, length);
}
